"""The interface of a runner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from aernet.arrays import Picture, PixelFormat
    from aernet.models import ModelCard
    from aernet.prediction import Prediction


class Runner(Protocol):
    """A model on a device, which turns frames into predictions. Several threads may use it at once."""

    card: ModelCard
    device: str
    """The device, as a user names it: "cpu", "cuda:0", "openvino"."""
    runtime: str
    """The runtime that runs the model, with its version."""

    masks_on_device: bool
    """Whether masks are made in a GPU's memory."""

    useful_batch: int
    """The frames of one run of the network beyond which more frames do not bring more of them a second."""

    @property
    def frames_on(self) -> int | None:
        """The number of the GPU in whose memory it reads frames; None if it reads the host's alone."""
        ...

    @property
    def capture_refusal(self) -> str | None:
        """Why a GPU runs the network without a CUDA graph; None if it has one, or could not."""
        ...

    def warm_up(self, frame: Picture, pixel_format: PixelFormat) -> list[Prediction]:
        """Run a frame on all that later frames may run on, as often as there are buffers for frames.

        Raises:
            FrameError: as `predict`.
            AernetError: the device fails.
        """
        ...

    def predict(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> list[Prediction]:
        """Run the network on one batch of frames of any sizes, with the lowest latency.

        Raises:
            FrameError: a frame breaks the contract of `preprocess`, or lies where this runner cannot read it.
            AernetError: the device fails.
        """
        ...

    def submit(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> Future[list[Prediction]]:
        """Start on a batch of frames, which must not change before their predictions are read.

        At most two batches are in flight; a third call waits for the oldest. On a GPU the future has its
        result when the work is queued.

        Raises:
            FrameError: as `predict`.
            AernetError: the device fails.
        """
        ...
