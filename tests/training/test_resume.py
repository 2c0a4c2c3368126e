"""A training run that was killed goes on as if it had not been."""

from __future__ import annotations

import pickle
import random
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from aernet.training.checkpoint import load_checkpoint
from aernet.training.train import train

STEPS_PER_EPOCH, EPOCHS = 4, 4
# Trains, and is killed at its n-th step, or halfway through writing its n-th checkpoint.
PROGRAM = """
import os, pickle, signal, sys
from pathlib import Path
from aernet.training import epochs
from aernet.training.train import train

(settings, data, output, encoder_weights), step, checkpoint = pickle.load(sys.stdin.buffer)
segmentation_loss, write_bytes = epochs.segmentation_loss, Path.write_bytes
steps, checkpoints = [], []

def loss(*arguments):
    steps.append(None)
    if len(steps) == step:
        os.kill(os.getpid(), signal.SIGKILL)
    return segmentation_loss(*arguments)

def write(path, data):
    checkpoints.append(path)
    if len(checkpoints) == checkpoint:
        write_bytes(path, data[:len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write_bytes(path, data)

epochs.segmentation_loss, Path.write_bytes = loss, write
train(settings, data, output, encoder_weights=encoder_weights)
"""


@pytest.fixture
def settings(settings):
    return replace(settings, epochs=EPOCHS, batch_size=16 // STEPS_PER_EPOCH)


def train_until_killed(arguments, *, step=None, checkpoint=None):
    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=pickle.dumps((arguments, step, checkpoint)),
        capture_output=True,
        timeout=1200,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_killed_run_goes_on_to_the_same_end(dataset, encoder_weights, settings, tmp_path):
    whole = tmp_path / "whole"
    train(settings, dataset, whole, encoder_weights=encoder_weights)
    expected = load_checkpoint(whole / "last.pt")
    step = random.randint(STEPS_PER_EPOCH + 1, STEPS_PER_EPOCH * EPOCHS)
    for name, moment in (("at a step", {"step": step}), ("while saving", {"checkpoint": 4})):
        output = tmp_path / name
        train_until_killed((settings, dataset, output, encoder_weights), **moment)
        before = load_checkpoint(output / "last.pt").history
        assert len(before) < EPOCHS, (name, step)
        train(settings, dataset, output, resume=True)
        resumed = load_checkpoint(output / "last.pt")
        for column in ("loss", "val_jaccard", "val_dice", "threshold"):
            rows = [[row[column] for row in history] for history in (expected.history, resumed.history)]
            assert rows[0] == rows[1], (name, step, column)
        for part, weight in expected.network.items():
            assert torch.equal(weight, resumed.network[part]), (name, step, part)
        best = [load_checkpoint(folder / "best.pt").history[-1]["epoch"] for folder in (whole, output)]
        assert best[0] == best[1], (name, step)
