"""What every runner can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from aernet.arrays import Picture, PixelFormat
    from aernet.models import ModelCard
    from aernet.prediction import Prediction


class Runner(Protocol):
    """A model loaded on a device: frames in, predictions out. Several threads may use it at once."""

    card: ModelCard
    device: str
    """Where it runs, as a user names it: "cpu", "cuda:0"."""
    runtime: str
    """What runs it, with the version."""

    def predict(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> list[Prediction]:
        """Run the network on frames of any sizes, as soon as it can be.

        Raises:
            FrameError: a frame breaks the contract of `preprocess`, or lies where this runner cannot read it.
            AernetError: the device fails.
        """
        ...

    def submit(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> Future[list[Prediction]]:
        """Start on frames beside those that are under way; they must not change before they are read.

        Two batches are under way at most: with a third, this waits for the oldest. On a GPU the future has
        its result when the work is queued.

        Raises:
            FrameError: as `predict`.
            AernetError: the device fails.
        """
        ...
