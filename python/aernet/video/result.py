"""What the pipeline makes of one frame."""

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
    """Frame, mask and probability; smoothed over the frames before where smoothing is on."""
    state: State
    """What to tell whoever holds the instrument."""
    frame_index: int
    """The frame's number in the source, from 0; frames that were dropped count."""
    timestamp: float
    """Seconds since the source's first frame, by the source's clock."""
    dropped: int
    """How many of the source's frames before this one gave no result; in a loop, none that the loop saw."""
    latency_ms: float
    """Milliseconds from the frame's arrival here to the finished mask; what the camera took is not in it."""
