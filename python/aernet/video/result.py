"""The result of one frame of a video."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aernet.video.frame import to_bgr

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.segmentation import Segmentation
    from aernet.video.frame import VideoFrame
    from aernet.video.states import State


class _SharedPicture:
    """The BGR picture of a frame, made when the first thread asks for it and kept for the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._picture: HostImage | None = None

    def of(self, frame: VideoFrame) -> HostImage:
        with self._lock:
            if self._picture is None:
                self._picture = to_bgr(frame)
            return self._picture


@dataclass(frozen=True, slots=True, eq=False)
class VideoResult:
    """A frame's segmentation and its place in the video."""

    segmentation: Segmentation[VideoFrame]
    """Frame, mask and probability; the latter two are smoothed over time where smoothing is on."""
    state: State
    """What the video shows, for the person who holds the instrument."""
    frame_index: int
    """The frame's number in the source, from 0; dropped frames count."""
    timestamp: float
    """Seconds since the source's first frame, by the source's clock."""
    dropped: int
    """How many earlier frames gave no result; in a loop, also those whose results the loop missed."""
    latency_ms: float
    """Milliseconds from the frame's arrival to the finished mask, without the camera's own delay."""
    _shared: _SharedPicture = field(default_factory=_SharedPicture, repr=False)

    @property
    def picture(self) -> HostImage:
        """The frame, uint8 BGR, H x W x 3, converted once for all who ask; they must not write to it."""
        return self._shared.of(self.segmentation.frame)
