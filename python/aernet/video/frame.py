"""The frames of a video: BGR pictures, or the planes of NV12 as cameras and decoders give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from aernet.nv12 import Nv12Frame

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.nv12 import Matrix

    VideoFrame: TypeAlias = HostImage | Nv12Frame
    """A frame as `Source.frames` yields it: uint8 BGR, H x W x 3, or two planes."""

_MOST_SD_LINES = 576


def to_bgr(frame: VideoFrame) -> HostImage:
    """Return a frame as a picture, uint8 BGR, H x W x 3; a picture is returned as it is."""
    return frame.to_bgr() if isinstance(frame, Nv12Frame) else frame


def usual_matrix(height: int) -> Matrix:
    """Return the matrix of a video that states none, as GStreamer does."""
    return "bt601" if height <= _MOST_SD_LINES else "bt709"
