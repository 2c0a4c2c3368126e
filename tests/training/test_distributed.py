"""Training on two processes is training on one, but for what each normalises by."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import timm
import torch

from aernet.training.checkpoint import load_checkpoint
from aernet.training.train import train

# With `test_efficientnet` the losses on one and on two processes were up to 0.0104 apart.
ENCODER = "mobilenetv3_small_050"


@pytest.fixture
def encoder_weights(tmp_path):
    torch.manual_seed(1)
    path = tmp_path / "encoder.pth"
    torch.save(timm.create_model(ENCODER).state_dict(), path)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="gloo as POSIX has it")
def test_two_processes_come_to_the_metrics_of_one(dataset, encoder_weights, settings, tmp_path):
    settings = replace(settings, encoder=ENCODER, epochs=10, sizes=[64], augmentation=False)
    preset = tmp_path / "preset.toml"
    preset.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in asdict(settings).items()))
    program = tmp_path / "program.py"
    program.write_text("from aernet.cli import main\nmain()\n")
    arguments = ["train", "--data", dataset, "--preset", preset, "--encoder-weights", encoder_weights]
    trained = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        + [str(argument) for argument in (program, *arguments, "--output", tmp_path / "two")],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.count("epoch 10") == 1
    train(settings, dataset, tmp_path / "one", encoder_weights=encoder_weights)
    one, two = (load_checkpoint(tmp_path / name / "last.pt").history for name in ("one", "two"))
    for both in zip(one, two, strict=True):
        assert both[0]["loss"] == pytest.approx(both[1]["loss"], abs=0.01)
    assert one[-1]["val_jaccard"] > 0.7
    for metric in ("val_jaccard", "val_dice"):
        assert one[-1][metric] == pytest.approx(two[-1][metric], abs=0.03)
