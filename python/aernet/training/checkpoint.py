"""Checkpoints: everything that a run needs to continue, and that an export needs to describe the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import torch

from aernet.errors import ModelError, SourceError
from aernet.files import replacing
from aernet.network.quantised import QuantisedNetwork
from aernet.onnx_file import require_harmless
from aernet.training.learned_from import LearnedFrom
from aernet.training.settings import Settings, settings_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aernet.network import SegmentationNetwork

FORMAT = "aernet-checkpoint-2"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after an epoch."""

    settings: Settings
    """The settings that the run was started with."""
    learned_from: LearnedFrom
    """The pictures that it learns from."""
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
    """Licences of the models that the run started from or learned from, each once; see `Origin.licences`."""
    graph: bytes | None = None
    """The graph of an INT8 network, whose weights these are; None where the settings tell how it is built."""
    taught: bool | None = None
    """Whether the run learns the masks of its `distilled.npz`; None in a checkpoint of an earlier aernet."""

    def save(self, path: Path) -> None:
        """Write the checkpoint; an earlier file stays until the new one is complete.

        Raises:
            AernetError: `path` cannot be written.
        """
        # The bytes are made in memory first, because torch.save does not report a full file system.
        buffer = BytesIO()
        plain = {"settings": asdict(self.settings), "learned_from": asdict(self.learned_from)}
        torch.save(vars(self) | plain | {"format": FORMAT}, buffer)
        with replacing(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def build(self) -> SegmentationNetwork | QuantisedNetwork:
        """Return the network with these weights, in evaluation mode."""
        network = self.settings.build() if self.graph is None else QuantisedNetwork(self.graph)
        network.load_state_dict(self.network)
        return network.eval()


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        SourceError: the file is missing, not a checkpoint of this package, or of an earlier format.
    """
    if not path.is_file():
        raise SourceError(f"checkpoint {path}: no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise SourceError(f"checkpoint {path}: not a checkpoint of this package") from error
    found = content.pop("format", None) if isinstance(content, dict) else None
    if found == "aernet-checkpoint-1":
        raise SourceError(
            f"checkpoint {path}: expected format {FORMAT}, found {found}, which does not tell what the"
            " network learned from; train it again, or export it with the aernet that wrote it"
        )
    if found != FORMAT:
        raise SourceError(f"checkpoint {path}: not a checkpoint of this package (expected format {FORMAT})")
    try:
        if content.get("graph") is not None:
            require_harmless(content["graph"])
        settings = settings_from(content.pop("settings"), f"checkpoint {path}")
        learned_from = LearnedFrom(**content.pop("learned_from"))
        return Checkpoint(settings=settings, learned_from=learned_from, **content)
    except ModelError as error:
        raise SourceError(f"checkpoint {path}: its graph cannot be used: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise SourceError(
            f"checkpoint {path}: parts of it are missing or of another kind ({error})"
        ) from error


def averaged(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """Return the mean of the networks of one run at several epochs (Izmailov et al. 2018).

    Args:
        checkpoints: at least one; all but the weights and the history is taken from the last. A mean of
            several has no history, because it was never validated.

    Raises:
        SourceError: they are not from one run.
    """
    last = checkpoints[-1]
    if any(
        (checkpoint.settings, checkpoint.learned_from, checkpoint.graph)
        != (last.settings, last.learned_from, last.graph)
        for checkpoint in checkpoints
    ):
        raise SourceError(
            "checkpoints can be averaged where they are of one run; these differ in settings, pictures or"
            " their INT8 graph"
        )
    if len(checkpoints) == 1:
        return last
    network = {
        name: torch.stack([checkpoint.network[name] for checkpoint in checkpoints]).mean(0)
        if weight.is_floating_point()
        else weight
        for name, weight in last.network.items()
    }
    return replace(last, network=network, history=[])
