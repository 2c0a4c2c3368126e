"""The types of frames, masks and probability maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from aernet.nv12 import CudaArray, DlpackArray, Nv12Frame

if TYPE_CHECKING:
    import os

    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image

    from aernet._native import DeviceArray

    HostImage: TypeAlias = npt.NDArray[np.uint8]
    """A picture or a mask in the host's memory, uint8."""
    ProbabilityMap: TypeAlias = npt.NDArray[np.float32]
    """The probability of each pixel at the network's own size, float32, S x S, in [0, 1]."""
    Frame: TypeAlias = HostImage | DeviceArray | Nv12Frame
    """A frame as a runner reads it, in the host's or in a GPU's memory."""
    Picture: TypeAlias = HostImage | CudaArray | DlpackArray | Nv12Frame
    """A frame as a runner takes it."""
    AnyPicture: TypeAlias = "Picture | HostArray | Image | str | os.PathLike[str]"
    """A picture as a user gives it; see `Segmenter.__call__`."""


class HostArray(Protocol):
    """An array of another library in the host's memory, such as a tensor of PyTorch."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


PixelFormat: TypeAlias = Literal["bgr", "rgb", "nv12"]
"""The pixel format of a frame: H x W x 3 in either order of channels, or NV12, (H * 3 / 2) x W."""

PIXEL_FORMATS = ("bgr", "rgb", "nv12")


def picture_size(frame: Frame, pixel_format: PixelFormat) -> tuple[int, int]:
    """Return the height and width of the picture that a frame holds, in pixels."""
    if isinstance(frame, Nv12Frame):
        return frame.shape
    height, width = frame.shape[:2]
    return (height * 2 // 3 if pixel_format == "nv12" else height), width
