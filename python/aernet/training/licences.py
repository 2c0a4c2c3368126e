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
    return list(dict.fromkeys(licence for model in models for licence in _licences(model)))


def _licences(model: Path) -> list[str]:
    if model.suffix == ".pt":
        checkpoint = load_checkpoint(model)
        return [checkpoint.settings.licence, *checkpoint.inherited]
    return [read_model(model).card.licence]
