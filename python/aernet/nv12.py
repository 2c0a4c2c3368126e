"""Frames in NV12 as two planes, as hardware decoders give them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from aernet._native import check_nv12, nv12_to_bgr
from aernet.errors import FrameError

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet._native import DeviceArray

    Plane: TypeAlias = "npt.NDArray[np.uint8] | DeviceArray | CudaArray | DlpackArray"

Matrix: TypeAlias = Literal["bt601", "bt709"]
"""How luma and chroma are weighed: ITU-R BT.601 or BT.709."""


class CudaArray(Protocol):
    """An array in a GPU's memory with the CUDA array interface."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...


class DlpackArray(Protocol):
    """An array in a GPU's memory with DLPack."""

    def __dlpack__(self, *, stream: int | None = None) -> Any: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Nv12Frame:
    """A frame in NV12 as two planes, each with an address and a row pitch of its own.

    Both planes are NumPy arrays, or both lie in a GPU's memory and have `__cuda_array_interface__` or DLPack;
    those are checked when the GPU takes the frame. They are not copied.

    Raises:
        FrameError: a plane is not as stated below, or only one plane is a NumPy array.
    """

    luma: Plane
    """uint8, H x W, sides of 1 to 16384; the bytes of a row lie side by side, the rows at any distance."""
    chroma: Plane
    """uint8, Cb and Cr in turns: ceil(H / 2) x (2 * ceil(W / 2)), or ceil(H / 2) x ceil(W / 2) x 2."""
    matrix: Matrix = "bt601"
    """The matrix of the colours: "bt601" or "bt709". Cameras and videos in HD mostly have BT.709."""
    full_range: bool = False
    """Whether luma is 0 to 255 as in JPEG; else black is 16 and white is 235."""

    def __post_init__(self) -> None:
        if self.is_on_host:
            check_nv12(self)
        elif isinstance(self.luma, np.ndarray) or isinstance(self.chroma, np.ndarray):
            raise FrameError(
                "frame: expected both planes as NumPy arrays or both in a GPU's memory, found"
                f" {type(self.luma).__name__} and {type(self.chroma).__name__}"
            )

    @property
    def is_on_host(self) -> bool:
        """Whether both planes are NumPy arrays."""
        return isinstance(self.luma, np.ndarray) and isinstance(self.chroma, np.ndarray)

    @property
    def shape(self) -> tuple[int, int]:
        """The height and width of the picture, in pixels."""
        luma: Any = self.luma
        height, width = luma.shape if hasattr(luma, "shape") else luma.__cuda_array_interface__["shape"]
        return height, width

    def to_host(self) -> Nv12Frame:
        """Return the frame with both planes in the host's memory: itself if they lie there, else a copy."""
        if self.is_on_host:
            return self
        return replace(self, luma=np.asarray(self.luma), chroma=np.asarray(self.chroma))

    def to_bgr(self) -> npt.NDArray[np.uint8]:
        """Convert the frame to BGR, uint8, H x W x 3, in the host's memory.

        Each pixel takes the chroma of its group of four. BT.601 in limited range is what OpenCV gives
        (`COLOR_YUV2BGR_NV12`); the others follow ITU-R BT.601-7 and BT.709-6.

        Raises:
            FrameError: the planes lie where they cannot be copied from.
        """
        return nv12_to_bgr(self.to_host())
