"""What every runner can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from aernet._native import DeviceArray
    from aernet.models import ModelCard

    Frame: TypeAlias = npt.NDArray[np.uint8] | DeviceArray
    Picture: TypeAlias = "npt.NDArray[np.uint8] | CudaArray | DlpackArray"
    Answer: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


class CudaArray(Protocol):
    """Memory of a GPU by the CUDA array interface."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...


class DlpackArray(Protocol):
    """Memory of a GPU by DLPack."""

    def __dlpack__(self, *, stream: int | None = None) -> Any: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


class Job(Protocol):
    """Frames under way."""

    def result(self) -> list[Answer]:
        """Wait for the answers; any thread may ask, and again.

        Raises:
            FrameError: the probabilities are not numbers.
            AernetError: the device fails.
        """
        ...


class Runner(Protocol):
    """A model loaded on a device: frames in, masks out. Several threads may run it at once."""

    card: ModelCard
    device: str
    """Where it runs, as a user names it: "cpu", "cuda:0"."""
    runtime: str
    """What runs it, with the version."""

    def accept(self, frame: object) -> Frame:
        """Return a frame that is no NumPy array as the runner takes it; what lies on its GPU is not copied.

        Raises:
            FrameError: it does not take such a thing.
        """
        ...

    def run(self, frames: Sequence[Frame], threshold: float, colour: str) -> list[Answer]:
        """Return each frame's mask (uint8 0/255, H x W) and probability (float32, S x S, in [0, 1]).

        Raises:
            FrameError: a frame breaks the contract of `preprocess`, or the probabilities are not numbers.
            AernetError: the device fails.
        """
        ...

    def submit(self, frame: Frame, threshold: float, colour: str) -> Job:
        """Start on a frame, which must not change before the job has its result.

        At most two are under way, of each thread or of all; with more it waits here for the oldest.

        Raises:
            FrameError: the frame breaks the contract of `preprocess`.
            AernetError: the device fails.
        """
        ...

    def masks_on_device(self, frames: Sequence[Frame], threshold: float, colour: str) -> list[DeviceArray]:
        """Return each frame's mask as it lies on the GPU.

        Raises:
            FrameError: as `run`.
            AernetError: the runner makes its masks on the host, or the device fails.
        """
        ...

    def times(self, frame: npt.NDArray[np.uint8]) -> Mapping[str, float]:
        """Return the milliseconds that each step takes on one frame, in order."""
        ...

    def floor(self, frame: npt.NDArray[np.uint8]) -> Mapping[str, float]:
        """Return the milliseconds of what nobody can do without: the network alone, plain copies if any."""
        ...
