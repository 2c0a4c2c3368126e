"""What a model that a run starts from or learns from tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aernet.engine.onnx_model import read_model
from aernet.errors import ModelError
from aernet.training.checkpoint import load_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.models import NetworkSettings


@dataclass(frozen=True)
class Origin:
    """A model that a run starts from or learns from."""

    path: Path
    """Its file."""
    network: NetworkSettings | None
    """How its network is built; None where an ONNX model does not say."""
    size: int
    """Side of its input in pixels."""
    is_int8: bool
    """Whether its weights have eight bits."""
    licences: list[str]
    """Its licence, and those that it inherited."""
    training_data: list[str]
    """What it and its own origins were trained on, in words."""

    def require_float32(self) -> None:
        """Raise a `ModelError` if the model has eight bits, from which no run starts."""
        if self.is_int8:
            raise ModelError(
                f"{self.path}: has eight bits; start from the float32 model that it was made from"
            )


def read_origin(path: Path) -> Origin:
    """Read what a model tells.

    Args:
        path: checkpoint (`.pt`), or ONNX model as `aernet-trt export` writes it.

    Raises:
        SourceError: the checkpoint is missing or not a checkpoint.
        ModelError: the ONNX model is missing, not a model, or without a card.
    """
    if path.suffix != ".pt":
        card = read_model(path).card
        is_int8 = card.quantised_from is not None
        return Origin(path, card.network, card.size, is_int8, [card.licence], [card.training_data])
    checkpoint = load_checkpoint(path)
    settings, learned_from = checkpoint.settings, checkpoint.learned_from
    return Origin(
        path,
        settings.network,
        settings.size,
        checkpoint.graph is not None,
        [learned_from.licence, *checkpoint.inherited],
        [learned_from.own_pictures, *learned_from.models],
    )
