"""Checkpoints of trainings, which are pickles of which only numbers are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from aernet.training.checkpoint import Checkpoint, load_checkpoint
from aernet.training.learned_from import LearnedFrom
from aernet.training.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def read(data: bytes, folder: Path) -> None:
    file = folder / "best.pt"
    file.write_bytes(data)
    load_checkpoint(file)


def seeds() -> dict[str, bytes]:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "best.pt"
        torch.manual_seed(0)
        Checkpoint(
            settings=load_settings("aernet"),
            learned_from=LearnedFrom("data", "split.csv", 1, 1, "0" * 64),
            network={"weight": torch.zeros(2, 2)},
            optimizer={"step": 1},
            schedule={"epoch": 1},
            history=[{"epoch": 1, "val_dice": 0.5}],
            threshold=0.5,
        ).save(file)
        return {"plain": file.read_bytes()}
