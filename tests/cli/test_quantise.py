"""The road to eight bits on the command line: quantise, export, segment."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from runs import LEARNED_FROM
from typer.testing import CliRunner

from aernet.cli.app import app
from aernet.engine.onnx_model import read_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    rows = ["image_id,subset"]
    for number in range(6):
        mask = np.zeros((80, 100), np.uint8)
        cv2.circle(mask, tuple(map(int, generator.integers(30, 50, 2))), 20, 255, -1)
        picture = np.where(mask[..., None] > 0, (60, 70, 110), (150, 170, 220)).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"p{number}.png"), picture)
        assert cv2.imwrite(str(folder / f"p{number}_segmentation.png"), mask)
        rows.append(f"p{number},{'train' if number < 4 else 'val'}")
    (folder / "split.csv").write_text("\n".join(rows))
    return folder


def here(*arguments):
    """Run the command line within this process, which has loaded PyTorch already."""
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


def test_quantise_resume_export_segment(command, float32_lite, folder, tmp_path):
    def run(*arguments):
        done = here(*arguments)
        assert done.exit_code == 0, done.stderr
        return done.stdout + done.stderr

    data = ("--data", folder)
    quantise = ("quantise", float32_lite, *data, "--epochs", "2", "-o", tmp_path / "int8")
    first = command(*quantise)
    assert first.returncode == 0, first.stderr
    assert "epoch 2" in first.stdout + first.stderr
    again = here(*quantise)
    assert again.exit_code == 1
    assert "--resume" in again.stderr
    run(*quantise, "--resume")
    exported = run("export", tmp_path / "int8" / "best.pt", "-o", tmp_path / "lite-int8.onnx")
    assert "max |dp|" in exported
    model = read_model(tmp_path / "lite-int8.onnx")
    assert model.card.name == "aernet-lite-int8"
    assert model.card.quantised_from.startswith("aernet-lite 0")
    assert model.card.training_data == (
        f"4 pictures of {folder.name}, subset train of split.csv; learned from a model trained on"
        f" {LEARNED_FROM.training_data}"
    )
    assert (tmp_path / "lite-int8.onnx").stat().st_size < 0.4 * float32_lite.stat().st_size
    run("segment", folder / "p0.png", "-o", tmp_path / "out", "--model", tmp_path / "lite-int8.onnx")
    assert (tmp_path / "out" / "p0_mask.png").is_file()
    untold = onnx.load(float32_lite)
    kept = [entry for entry in untold.metadata_props if entry.key != "aernet.network"]
    del untold.metadata_props[:]
    untold.metadata_props.extend(kept)
    onnx.save(untold, tmp_path / "untold.onnx")
    for arguments, message in (
        (
            ("quantise", tmp_path / "untold.onnx", *data, "-o", tmp_path / "untold"),
            "(aernet.network); export its checkpoint again",
        ),
        (
            ("export", tmp_path / "int8" / "best.pt", "-o", tmp_path / "h.onnx", "--half-weights"),
            "the weights of an INT8 model have eight bits already; leave out --half-weights",
        ),
        (
            ("train", *data, "--start", tmp_path / "lite-int8.onnx", "-o", tmp_path / "more"),
            "lite-int8.onnx: has eight bits; start from the float32 model that it was made from",
        ),
        (
            ("quantise", tmp_path / "lite-int8.onnx", *data, "-o", tmp_path / "twice"),
            "lite-int8.onnx: has eight bits; start from the float32 model that it was made from",
        ),
        (("quantise", "aernet", *data, "-o", tmp_path / "flagship"), "SiLU, which eight bits do not keep"),
    ):
        refused = here(*arguments)
        assert refused.exit_code == 1, arguments
        assert message in refused.stderr
        assert refused.stderr.count("\n") == 1 or "Reading" in refused.stdout + refused.stderr
