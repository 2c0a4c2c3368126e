"""The result of one frame of a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.segmentation import Segmentation
    from aernet.video.states import State


@dataclass(frozen=True, slots=True, eq=False)
class VideoResult:
    """A frame's segmentation and its place in the video."""

    segmentation: Segmentation[HostImage]
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
