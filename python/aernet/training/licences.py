"""What binds and describes a run beside its own pictures: the models that it starts from or learns from."""

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
            found += [checkpoint.learned_from.licence, *checkpoint.inherited]
        else:
            found.append(read_model(model).card.licence)
    return list(dict.fromkeys(found))


def training_data_of(models: Sequence[Path]) -> list[str]:
    """Return what those models were trained on in words, each once; arguments and errors as `licences`."""
    found: list[str] = []
    for model in models:
        if model.suffix == ".pt":
            learned_from = load_checkpoint(model).learned_from
            found += [learned_from.own_pictures, *learned_from.models]
        else:
            found.append(read_model(model).card.training_data)
    return list(dict.fromkeys(found))
