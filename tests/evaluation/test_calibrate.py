from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET

import cv2
import msgspec
import numpy as np
import onnxruntime
import pytest
import torch
from runs import LEARNED_FROM
from scipy.optimize import minimize
from torchmetrics.classification import BinaryCalibrationError

from aernet import Segmenter
from aernet.errors import SourceError
from aernet.evaluation.calibrate import THRESHOLDS, calibrate, find_borders, fit_scaling
from aernet.evaluation.figures import reliability_diagram
from aernet.evaluation.reliability import BINS, reliability
from aernet.evaluation.rendering import write_figure
from aernet.export import export
from aernet.network import aernet
from aernet.pairs import find_pairs
from aernet.pictures import example_pictures
from aernet.training.checkpoint import Checkpoint
from aernet.training.settings import load_settings


def overconfident(count=20_000, factor=2, mean=0):
    """Return probabilities whose logits are `factor` times too large and half too high, with the truth."""
    generator = np.random.default_rng(0)
    logit = generator.normal(mean, 2, count)
    truth = generator.random(count) < 1 / (1 + np.exp(-logit))
    return (1 / (1 + np.exp(-(factor * logit + 0.5)))).astype(np.float32), truth


@pytest.mark.parametrize(("factor", "mean"), [(2, 0), (5, 0), (5, -8)])
def test_the_scaling_is_the_one_of_largest_likelihood(factor, mean):
    probability, truth = overconfident(50_000, factor, mean)
    scaling = fit_scaling(probability, truth)
    logit = np.log(
        np.clip(probability, 1e-6, 1 - 1e-6).astype(float) / (1 - np.clip(probability, 1e-6, 1 - 1e-6))
    )

    def loss(weights):
        return np.logaddexp(0, np.where(truth, -1, 1) * (weights[0] * logit + weights[1])).mean()

    expected = minimize(loss, (0, 0), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12}).x
    assert (scaling.slope, scaling.intercept) == pytest.approx(tuple(expected), abs=2e-3)
    if mean == 0:
        assert scaling.slope == pytest.approx(1 / factor, abs=0.03)


def test_where_no_scaling_is_the_best_it_is_said():
    probability, truth = overconfident(1000)
    for probabilities, truths, message in (
        (probability, np.zeros_like(truth), "both lesion and skin, found skin alone"),
        (probability, np.ones_like(truth), "both lesion and skin, found lesion alone"),
        (np.full_like(probability, 0.5), truth, "the probabilities are all the same"),
        (probability, probability > 0.7, "tell lesion from skin without a mistake"),
    ):
        with pytest.raises(SourceError, match=message):
            fit_scaling(probabilities, truths)


def test_the_calibration_error_is_that_of_torchmetrics_and_falls():
    probability, truth = overconfident()
    errors = []
    for values in (probability, fit_scaling(probability, truth)(probability)):
        found = reliability(values, truth)
        expected = BinaryCalibrationError(n_bins=BINS, norm="l1")(
            torch.from_numpy(values), torch.from_numpy(truth).int()
        )
        assert found.expected_calibration_error == pytest.approx(float(expected), abs=2e-3)
        errors.append(found.expected_calibration_error)
    assert errors[1] < 0.2 * errors[0]


def test_the_diagram_is_a_picture_with_both_curves(tmp_path):
    probability, truth = overconfident()
    found = reliability(probability, truth)
    curves = {"before": found, "after": found}
    _, *lines = reliability_diagram(curves).axes[0].get_lines()  # the first is the diagonal
    assert [len(line.get_xdata()) for line in lines] == [BINS, BINS]
    for line in lines:
        assert line.get_xydata() == pytest.approx(np.transpose([found.confidence, found.frequency]))
    for name in ("one.svg", "other.svg"):
        write_figure(tmp_path / name, reliability_diagram(curves))
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of dark discs, whose masks are somewhat larger than what the dark-finding model sees."""
    folder = tmp_path_factory.mktemp("pairs")
    generator = np.random.default_rng(0)
    rows = ["image_id,subset"]
    for number in range(24):
        radius = int(generator.integers(15, 35))
        centre = tuple(map(int, generator.integers(40, 60, 2)))
        picture = np.full((100, 100, 3), (150, 170, 220), np.uint8)
        cv2.circle(picture, centre, radius, (60, 70, 110), -1)
        picture = cv2.GaussianBlur(picture, (0, 0), 4)
        picture = np.clip(picture + generator.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
        mask = cv2.circle(np.zeros((100, 100), np.uint8), centre, radius + 2, 255, -1)
        assert cv2.imwrite(str(folder / f"ISIC_{number:07}.png"), picture)
        assert cv2.imwrite(str(folder / f"ISIC_{number:07}_segmentation.png"), mask)
        rows.append(f"ISIC_{number:07},val")
    (folder / "split.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_calibration_brings_probabilities_nearer_to_the_truth(model, folder):
    with Segmenter(model) as segmenter:
        found = calibrate(segmenter, find_pairs(folder, folder))
    assert found.after.expected_calibration_error < found.before.expected_calibration_error
    assert found.threshold in THRESHOLDS
    assert 0 <= found.quality.least_dice <= 1
    assert found.quality.overlap > 0


def test_the_borders_are_the_quartiles_of_the_levels_at_which_experts_draw():
    generator = np.random.default_rng(0)
    line = np.linspace(-1, 1, 128)
    distance = np.hypot(*np.meshgrid(line, line))
    maps = np.stack([np.clip(1.1 - distance * scale, 0, 1) for scale in generator.uniform(1.2, 1.5, 40)])
    levels = generator.uniform(0.15, 0.9, 40)
    truths = [
        np.where(plane >= level, 255, 0).astype(np.uint8) for plane, level in zip(maps, levels, strict=True)
    ]
    found = find_borders(maps.astype(np.float32), truths, 0.55)
    wide, tight = np.quantile(levels, (0.25, 0.75))
    assert (found.wide.level, found.tight.level) == pytest.approx((wide, tight), abs=0.02)
    for border in (found.wide, found.tight):
        assert border.area == pytest.approx((maps >= border.level).sum() / (maps >= 0.55).sum(), abs=0.01)
    # Where all experts draw tighter than the threshold, no border is wider than it.
    found = find_borders(maps.astype(np.float32), truths, 0.1)
    assert (found.wide.level, found.wide.area) == (0.1, 1)


def test_a_model_that_finds_nothing_has_no_borders():
    maps = np.full((3, 8, 8), 0.01, np.float32)
    with pytest.raises(SourceError, match=r"no picture has a lesion at the threshold 0\.5"):
        find_borders(maps, [np.full((8, 8), 255, np.uint8)] * 3, 0.5)


def test_too_few_pictures_are_refused(model, folder):
    with Segmenter(model) as segmenter, pytest.raises(SourceError, match="at least 20 pictures, found 5"):
        calibrate(segmenter, find_pairs(folder, folder)[:5])


@pytest.mark.parametrize("option", ["--json", "--diagram"])
def test_an_output_that_cannot_be_written_is_named_before_the_work(command, folder, tmp_path, option):
    outputs = {"--json": tmp_path / "found.json", "--diagram": tmp_path / "diagram.svg"} | {option: tmp_path}
    done = command(
        "calibrate", "none", "--images", folder, "--masks", folder, "--split", folder / "split.csv",
        *(word for pair in outputs.items() for word in pair),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"aernet-trt: {tmp_path}: cannot be written, it is a folder")
    assert not list(tmp_path.iterdir())


def test_the_command_writes_what_export_reads(command, model, folder, tmp_path):
    done = command(
        "calibrate", model, "--images", folder, "--masks", folder, "--split", folder / "split.csv",
        "--json", tmp_path / "found.json", "--diagram", tmp_path / "diagram.svg",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "expected calibration error" in done.stdout
    ET.fromstring((tmp_path / "diagram.svg").read_text())
    found = json.loads((tmp_path / "found.json").read_text())

    for file in folder.iterdir():
        shutil.copy(file, tmp_path / file.name.replace("_segmentation", "_expert"))
    done = command(
        "calibrate", model, "--images", tmp_path, "--masks", tmp_path, "--split", folder / "split.csv",
        "--json", tmp_path / "again.json", "--mask-suffix", "_expert",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "again.json").read_text()) == found

    torch.manual_seed(0)
    settings = load_settings("aernet-v2b0", encoder="test_efficientnet", widths=[16, 16, 8, 8], sizes=[64])
    network = aernet(settings.encoder, settings.widths).eval()
    history = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
    checkpoint = Checkpoint(settings, LEARNED_FROM, network.state_dict(), {}, {}, history, 0.45)
    export(checkpoint, example_pictures(), None, tmp_path / "model.onnx", found)
    with Segmenter(tmp_path / "model.onnx") as segmenter:
        assert segmenter.threshold == found["threshold"]
        assert segmenter.card.quality is not None
        assert segmenter.card.quality.least_dice == found["quality"]["least_dice"]
        assert msgspec.to_builtins(segmenter.card.borders) == found["borders"]
    assert found["borders"]["wide"]["level"] <= found["threshold"] <= found["borders"]["tight"]["level"]
    image = torch.from_numpy(np.random.default_rng(0).random((2, 3, 64, 64), dtype=np.float32))
    with torch.no_grad():
        logit = network(image) * found["scaling"]["slope"] + found["scaling"]["intercept"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (probability,) = session.run(["probability"], {"image": image.numpy()})
    assert np.abs(probability - torch.sigmoid(logit).numpy()).max() < 1e-5


def test_a_file_that_is_no_calibration_is_named(command, tmp_path):
    (tmp_path / "other.json").write_text('{"n": 5}')
    failed = command(
        "export", "absent.pt", "-o", tmp_path / "m.onnx", "--calibration", tmp_path / "other.json"
    )
    assert failed.returncode == 1
    assert "other.json: not what `aernet-trt calibrate --json` writes" in failed.stderr
