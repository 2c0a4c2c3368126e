"""What every runner can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from aernet.models import ModelCard


class Runner(Protocol):
    """A model loaded on a device: frames in, masks out. Several threads may run it at once."""

    card: ModelCard
    device: str
    """Where it runs, as a user names it: "cpu"."""
    runtime: str
    """What runs it, with the version."""

    def run(
        self, frames: Sequence[npt.NDArray[np.uint8]], threshold: float, colour: str
    ) -> list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]:
        """Return each frame's mask (uint8 0/255, H x W) and probability (float32, S x S, in [0, 1]).

        Raises:
            FrameError: a frame breaks the contract of `preprocess`, or the probabilities are not numbers.
        """
        ...
