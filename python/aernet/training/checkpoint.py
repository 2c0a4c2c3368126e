"""Checkpoints: everything that a run needs to continue, and that an export needs to describe the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import torch

from aernet.errors import SourceError
from aernet.files import replacing
from aernet.training.settings import Settings, settings_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aernet.network import SegmentationNetwork

FORMAT = "aernet-checkpoint-1"
# The values that all runs had before these settings existed.
EARLIER = {
    "colour": "cielab",
    "pretrained": True,
    "training_data": "ISIC 2018 Task 1 training pictures, subset train of isic2018_split.csv",
    "licence": "Apache-2.0; its training pictures are CC-0 where the ISIC archive states a licence",
}


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after an epoch."""

    settings: Settings
    """The settings that the run was started with."""
    network: dict[str, torch.Tensor]
    """Weights of the network."""
    optimizer: dict[str, Any]
    """State of the optimizer."""
    schedule: dict[str, Any]
    """State of the learning-rate schedule."""
    history: list[dict[str, float]]
    """One row for each epoch, with the columns of the log."""
    threshold: float
    """Threshold chosen on the validation subset."""
    inherited: list[str] = field(default_factory=list)
    """Licences of the models that the run started from or learned from; see `licences`."""

    def save(self, path: Path) -> None:
        """Write the checkpoint; an earlier file stays until the new one is complete.

        Raises:
            AernetError: `path` cannot be written.
        """
        # The bytes are made in memory first, because torch.save does not report a full file system.
        buffer = BytesIO()
        torch.save(vars(self) | {"format": FORMAT, "settings": asdict(self.settings)}, buffer)
        with replacing(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def build(self) -> SegmentationNetwork:
        """Return the network with these weights, in evaluation mode."""
        network = self.settings.build()
        network.load_state_dict(self.network)
        return network.eval()


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        SourceError: the file is missing or not a checkpoint of this package.
    """
    if not path.is_file():
        raise SourceError(f"checkpoint {path}: no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise SourceError(f"checkpoint {path}: not a checkpoint of this package") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise SourceError(f"checkpoint {path}: not a checkpoint of this package (expected format {FORMAT})")
    try:
        settings = settings_from(EARLIER | content.pop("settings"), f"checkpoint {path}")
        return Checkpoint(settings=settings, **content)
    except (KeyError, TypeError) as error:
        raise SourceError(
            f"checkpoint {path}: parts of it are missing or of another kind ({error})"
        ) from error


def averaged(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """Return the mean of the networks of one run at several epochs (Izmailov et al. 2018).

    Args:
        checkpoints: at least one; all but the weights is taken from the last.

    Raises:
        SourceError: they are not from one run.
    """
    last = checkpoints[-1]
    if any(checkpoint.settings != last.settings for checkpoint in checkpoints):
        raise SourceError("checkpoints can be averaged where they are of one run; these differ in settings")
    network = {
        name: torch.stack([checkpoint.network[name] for checkpoint in checkpoints]).mean(0)
        if weight.is_floating_point()
        else weight
        for name, weight in last.network.items()
    }
    return replace(last, network=network)
