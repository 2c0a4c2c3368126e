"""The road to eight bits on the command line: train, export, quantise, export, segment."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import timm
import torch

from aernet.engine.onnx_model import read_model

ENCODER = "tf_efficientnet_lite0"


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
    torch.save(timm.create_model(ENCODER).state_dict(), folder / "encoder.pth")
    (folder / "small.toml").write_text(
        f'base = "aernet-lite"\nencoder = "{ENCODER}"\nwidths = [16, 8, 8, 8]\nsizes = [64]\n'
        "epochs = 1\nbatch_size = 4\n"
    )
    return folder


def test_train_quantise_resume_export_segment(command, folder, tmp_path):
    def run(*arguments):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    data = ("--data", folder)
    weights = ("--encoder-weights", folder / "encoder.pth")
    run("train", *data, "--preset", folder / "small.toml", "-o", tmp_path / "lite", *weights)
    run("export", tmp_path / "lite" / "best.pt", "-o", tmp_path / "lite.onnx")
    quantise = ("quantise", tmp_path / "lite.onnx", *data, "--epochs", "2", "-o", tmp_path / "int8")
    assert "epoch 2" in run(*quantise)
    again = command(*quantise)
    assert again.returncode == 1
    assert "--resume" in again.stderr
    run(*quantise, "--resume")
    exported = run("export", tmp_path / "int8" / "best.pt", "-o", tmp_path / "lite-int8.onnx")
    assert "max |dp|" in exported
    model = read_model(tmp_path / "lite-int8.onnx")
    assert model.card.name == "aernet-lite-int8"
    assert model.card.quantised_from.startswith("aernet-lite 0")
    assert model.card.training_data == f"4 pictures of {folder.name}, subset train of split.csv"
    assert (tmp_path / "lite-int8.onnx").stat().st_size < 0.4 * (tmp_path / "lite.onnx").stat().st_size
    run("segment", folder / "p0.png", "-o", tmp_path / "out", "--model", tmp_path / "lite-int8.onnx")
    assert (tmp_path / "out" / "p0_mask.png").is_file()
    for arguments, message in (
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
        refused = command(*arguments)
        assert refused.returncode == 1, arguments
        assert message in refused.stderr
        assert refused.stderr.count("\n") == 1 or "Reading" in refused.stdout + refused.stderr
