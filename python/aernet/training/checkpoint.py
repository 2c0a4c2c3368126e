"""Checkpoints: everything that a run needs to go on, and an export to know what it exports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import torch

from aernet.errors import SourceError
from aernet.files import replacing
from aernet.network import SegmentationNetwork, build_network
from aernet.training.colour import CHANNELS
from aernet.training.settings import Settings, settings_from

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "aernet-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after an epoch."""

    settings: Settings
    """What the run was started with."""
    network: dict[str, torch.Tensor]
    """Weights of the network."""
    optimizer: dict[str, Any]
    """State of the optimizer."""
    schedule: dict[str, Any]
    """State of the learning-rate schedule."""
    history: list[dict[str, float]]
    """One row an epoch: what the log shows."""
    threshold: float
    """Threshold chosen on the validation subset."""

    def save(self, path: Path) -> None:
        """Write the checkpoint; an earlier one stays whole until the new one is.

        Raises:
            AernetError: `path` cannot be written.
        """
        content = {
            name: getattr(self, name) for name in ("network", "optimizer", "schedule", "history", "threshold")
        }
        # By way of memory: where a file system is full, torch.save itself does not say so.
        buffer = BytesIO()
        torch.save(content | {"format": FORMAT, "settings": asdict(self.settings)}, buffer)
        with replacing(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def build(self) -> SegmentationNetwork:
        """Return the network with these weights, in evaluation mode."""
        network = build_network(
            self.settings.architecture,
            self.settings.encoder,
            self.settings.widths,
            CHANNELS[self.settings.colour],
        )
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
    # Checkpoints without a colour space are of the time when there was CIELAB alone.
    settings = settings_from({"colour": "cielab"} | content.pop("settings"), f"checkpoint {path}")
    return Checkpoint(settings=settings, **content)
