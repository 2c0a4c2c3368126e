"""Frames that the caller's own code gives one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np

from aernet.errors import FrameError
from aernet.frames import as_frame
from aernet.nv12 import Nv12Frame
from aernet.video.sources.pictures import FPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aernet.arrays import AnyPicture
    from aernet.video.frame import VideoFrame
    from aernet.video.sources.base import Frames

    GivenFrame: TypeAlias = AnyPicture | tuple[AnyPicture, float]
    """A picture as `Segmenter.__call__` takes it, in BGR, or a pair of one and its time in seconds."""


class GivenFrames:
    """The frames of an iterable, such as a list or a generator; all of them are taken, in order.

    The time of a frame without one of its own is that of its arrival; those of a list or an array, which are
    all there at once, come at 25 frames a second. Frames are copied, because a camera's library may write the
    next one to the same memory.
    """

    live = False

    def __init__(self, frames: Iterable[GivenFrame]) -> None:
        self.name = type(frames).__name__
        self._frames = frames

    def frames(self) -> Frames:
        """Yield the frames; see `Source`.

        Raises:
            FrameError: a frame is no picture in the host's memory, or its time is no number.
        """
        all_there = isinstance(self._frames, (Sequence, np.ndarray))
        for index, given in enumerate(self._frames):
            arrived = index / FPS if all_there else time.perf_counter()
            try:
                timed = _timed(given, arrived)
            except FrameError as error:
                raise FrameError(f"{self.name}[{index}]: {error}") from None
            yield timed


def _timed(given: GivenFrame, arrived: float) -> tuple[VideoFrame, float]:
    if not isinstance(given, tuple):
        return _copied(given), arrived
    pair: tuple[Any, ...] = given
    if len(pair) != 2 or not isinstance(pair[1], Real) or not isfinite(float(pair[1])):
        raise FrameError("frame: expected a pair of a picture and its time in seconds, found another tuple")
    return _copied(pair[0]), float(pair[1])


def _copied(given: AnyPicture) -> VideoFrame:
    """Return a frame as a copy: BGR, H x W x 3, or the planes of NV12."""
    frame: Any = as_frame(given, "bgr")
    if isinstance(frame, Nv12Frame) and frame.is_on_host:
        return replace(frame, luma=np.array(frame.luma), chroma=np.array(frame.chroma))
    if not isinstance(frame, np.ndarray):
        raise FrameError(
            f"frame: expected one in the host's memory, found {type(given).__name__}; copy it there"
        )
    if frame.ndim not in {2, 3} or 0 in frame.shape:
        raise FrameError(f"frame: expected H x W x 3, found {' x '.join(map(str, frame.shape))}")
    channels = frame.shape[2] if frame.ndim == 3 else 1
    if channels == 3:
        return np.array(frame, np.uint8, order="C")
    return np.asarray(
        cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR), np.uint8
    )
