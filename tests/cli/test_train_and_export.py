"""The model builder's road on the command line: train, export, segment."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
import timm
import torch
from typer.testing import CliRunner

from aernet.cli.app import app


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    images, masks = folder / "ISIC2018_Task1-2_Training_Input", folder / "ISIC2018_Task1_Training_GroundTruth"
    images.mkdir()
    masks.mkdir()
    rows = ["image_id,subset"]
    generator = np.random.default_rng(0)
    for number in range(10):
        mask = np.zeros((80, 100), np.uint8)
        cv2.circle(
            mask, tuple(map(int, generator.integers(30, 50, 2))), int(generator.integers(10, 25)), 255, -1
        )
        picture = np.where(mask[..., None] > 0, (60, 70, 110), (150, 170, 220)).astype(np.uint8)
        assert cv2.imwrite(str(images / f"ISIC_{number:07}.png"), picture)
        assert cv2.imwrite(str(masks / f"ISIC_{number:07}_segmentation.png"), mask)
        rows.append(f"ISIC_{number:07},{'train' if number < 8 else 'val'}")
    (folder / "isic2018_split.csv").write_text("\n".join(rows))
    torch.save(timm.create_model("test_efficientnet").state_dict(), folder / "encoder.pth")
    (folder / "small.toml").write_text(
        'name = "small"\narchitecture = "aernet"\nencoder = "test_efficientnet"\n'
        'widths = [16, 16, 8, 8, 8]\ncolour = "cielab"\nsizes = [64]\naugmentation = true\n'
        'loss = "dice+bce"\noptimizer = "adamw"\nlearning_rate = 3e-3\n'
        'schedule = "one-cycle"\nepochs = 2\nbatch_size = 4\nseed = 0\n'
        "pretrained = true\n"
    )
    return folder


def here(*arguments):
    """Run the command line within this process, which has loaded PyTorch already."""
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


def test_train_resume_export_segment(command, dataset, tmp_path):
    run = tmp_path / "run"
    arguments = ("train", "--data", dataset, "--preset", dataset / "small.toml", "--output", run)
    trained = command(*arguments, "--encoder-weights", dataset / "encoder.pth")
    assert trained.returncode == 0, trained.stderr
    assert "epoch 2" in trained.stdout + trained.stderr
    again = here(*arguments)
    assert again.exit_code == 1
    assert again.stderr.count("\n") == 1
    assert "--resume" in again.stderr
    assert here(*arguments, "--resume").exit_code == 0
    resumed = ("train", "--data", dataset, "--output", run, "--resume")
    assert here(*resumed).exit_code == 0
    contradicted = here(*resumed, "--start", "aernet")
    assert contradicted.exit_code == 1
    assert "--start: a run goes on with what it was started with; leave it out" in contradicted.stderr

    exported = command("export", run / "best.pt", "-o", tmp_path / "small.onnx")
    assert exported.returncode == 0, exported.stderr
    assert "max |dp|" in exported.stdout
    whole = here("export", run / "best.pt", "--with-preprocessing", "-o", tmp_path / "whole.onnx")
    assert whole.exit_code == 0, whole.stderr
    assert [value.name for value in onnx.load(tmp_path / "whole.onnx").graph.output] == ["mask"]
    images = dataset / "ISIC2018_Task1-2_Training_Input"
    segmented = command("segment", images, "-o", tmp_path / "out", "--model", tmp_path / "small.onnx")
    assert segmented.returncode == 0, segmented.stderr
    assert len(list((tmp_path / "out").glob("*_mask.png"))) == 10


def test_what_is_missing_is_one_line(dataset, tmp_path):
    for arguments, message in (
        (("export", tmp_path / "absent.pt", "-o", tmp_path / "m.onnx"), "absent.pt: no such file"),
        (
            ("train", "--data", tmp_path, "-o", tmp_path / "run"),
            "holds no table of subsets, isic2018_split.csv or split.csv",
        ),
        (("train", "--data", dataset, "-o", tmp_path / "run", "--preset", "nonesuch"), "preset nonesuch"),
        (("train", "--data", dataset, "-o", tmp_path / "run", "--start", "nonesuch"), "nonesuch: no such"),
        (("train", "--data", dataset, "-o", tmp_path / "run", "--teacher", "no.onnx"), "no.onnx: no such"),
        (
            ("train", "--data", dataset, "-o", tmp_path, "--start", "aernet", "--preset", "aernet-v2b0"),
            "has widths [128, 64, 32, 16], but the preset widths [128, 64, 32, 16, 8]; leave --preset out",
        ),
    ):
        failed = here(*arguments)
        assert failed.exit_code == 1
        assert message in failed.stderr.replace("\n", "")
        assert not list(tmp_path.iterdir())
