"""`--border` of the commands that draw, and `--keep` of `live`."""

from __future__ import annotations

import json

import cv2
import numpy as np
import onnx
import pytest

BORDERS = '{"tight": {"level": 0.7, "area": 0.9}, "wide": {"level": 0.2, "area": 1.15}}'


@pytest.fixture(scope="module")
def bordered(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("bordered") / "dark.onnx"
    proto = onnx.load(model)
    proto.metadata_props.add(key="aernet.borders", value=BORDERS)
    onnx.save(proto, path)
    return path


def spots():
    """Draw a dark disc with a soft edge, and a smaller one."""
    picture = np.full((180, 320, 3), 230, np.uint8)
    cv2.circle(picture, (100, 90), 50, (20, 20, 20), -1)
    cv2.circle(picture, (260, 90), 20, (20, 20, 20), -1)
    return cv2.GaussianBlur(picture, (0, 0), 6)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    assert cv2.imwrite(str(folder / "a.png"), spots())
    return folder


def test_segment_draws_the_border_of_that_name(command, bordered, folder, tmp_path):
    masks = {}
    for option, value in (("--border", "wide"), ("--threshold", "0.2"), ("--border", "isic")):
        output = tmp_path / value
        answer = command("segment", folder, "-o", output, "--model", bordered, "--json", option, value)
        assert answer.returncode == 0, answer.stderr
        masks[value] = cv2.imread(str(output / "a_mask.png"), cv2.IMREAD_UNCHANGED)
        assert json.loads(answer.stdout)["threshold"] == (0.4 if value == "isic" else 0.2)
    np.testing.assert_array_equal(masks["wide"], masks["0.2"])
    assert masks["isic"].sum() < masks["wide"].sum()


def test_evaluate_judges_the_border_of_that_name(command, bordered, folder, tmp_path):
    truth = cv2.circle(np.zeros((180, 320), np.uint8), (100, 90), 50, 255, -1)
    assert cv2.imwrite(str(folder / "a_segmentation.png"), truth)
    pairs = ("--images", folder, "--masks", folder)
    arguments = (*pairs, "--model", bordered, "--border", "tight", "--json", tmp_path / "a.json")
    answer = command("evaluate", *arguments)
    assert answer.returncode == 0, answer.stderr
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["threshold"] == 0.7
    answer = command("evaluate", "--masks", folder, "--predictions", folder, "--border", "tight")
    assert answer.returncode == 2
    assert "--border" in answer.stderr


def test_live_draws_the_border_and_keeps_the_largest_region(command, bordered, folder, tmp_path):
    areas = {}
    for border, keep in (("tight", "all"), ("wide", "all"), ("wide", "largest")):
        output = tmp_path / border / keep
        answer = command(
            "live", folder, "--view", "none", "--no-smooth", "--model", bordered, "--record", output,
            "--border", border, "--keep", keep,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        (file,) = output.glob("*.png")
        mask = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert cv2.connectedComponents(mask)[0] - 1 == (1 if keep == "largest" else 2)
        areas[border, keep] = cv2.countNonZero(mask)
    assert areas["tight", "all"] < areas["wide", "all"]
    assert areas["wide", "largest"] < areas["wide", "all"]


@pytest.mark.parametrize("name", ["segment", "live", "evaluate"])
def test_a_border_beside_a_threshold_is_refused(command, bordered, folder, tmp_path, name):
    (folder / "a_segmentation.png").write_bytes((folder / "a.png").read_bytes())
    arguments = {
        "segment": (folder, "-o", tmp_path / "out"),
        "live": (folder, "--view", "none"),
        "evaluate": ("--images", folder, "--masks", folder),
    }[name]
    answer = command(name, *arguments, "--model", bordered, "--border", "tight", "--threshold", "0.3")
    assert answer.returncode == 1
    assert "border 'tight' and threshold 0.3 both say how wide to draw; give one of them" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_model_without_borders_says_so(command, model, folder, tmp_path):
    answer = command("segment", folder, "-o", tmp_path / "out", "--model", model, "--border", "tight")
    assert answer.returncode == 1
    assert "dark: its card states no 'tight' border, only 'isic'" in answer.stderr
