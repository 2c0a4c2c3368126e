"""The licences that bind a run beside that of its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.engine.onnx_model import read_model
from aernet.training.checkpoint import load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def licences(models: Sequence[Path]) -> list[str]:
    """Return the licences of the models that a run starts from or learns from, each once.

    Args:
        models: checkpoints (`.pt`), or ONNX models as `aernet-trt export` writes them.

    Raises:
        SourceError: a checkpoint is missing or not a checkpoint.
        ModelError: an ONNX model is missing, not a model, or without a card.
    """
    found: list[str] = []
    for model in models:
        if model.suffix == ".pt":
            checkpoint = load_checkpoint(model)
            found += [checkpoint.settings.licence, *checkpoint.inherited]
        else:
            found.append(read_model(model).card.licence)
    return list(dict.fromkeys(found))
