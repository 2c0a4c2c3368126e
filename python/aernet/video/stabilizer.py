"""Stabilizes the predictions of a video from frame to frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from aernet.prediction import HostPrediction, Prediction
from aernet.video.motion import Motion, shrink
from aernet.video.smoothing import Smoothing

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.video.frame import VideoFrame


class Stabilized(NamedTuple):
    """A stabilized prediction, with the small frame and the motion found on the way."""

    prediction: Prediction
    """Smoothed over the previous frames where smoothing is on."""
    small: HostImage
    """The frame as `shrink` makes it."""
    motion: npt.NDArray[np.float64] | None
    """From the previous frame to this one, 2 x 3 in pixels of `small`; None across a cut."""


class Stabilizer:
    """Follows the motion of a video, and smooths its predictions along it.

    Args:
        smooth: whether predictions are smoothed; the motion is followed either way.
    """

    def __init__(self, *, smooth: bool) -> None:
        self._smoothing = Smoothing() if smooth else None
        self._motion = Motion()
        self._previous_time = 0.0

    def __call__(self, frame: VideoFrame, prediction: Prediction, timestamp: float) -> Stabilized:
        """Take the next frame, its prediction, and its time in seconds."""
        small = shrink(frame)
        motion = self._motion(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8))
        if self._smoothing is not None:
            probability = prediction.to_host()
            along = scaled(motion, small.shape[:2], probability.shape)
            smoothed = self._smoothing(probability, along, timestamp - self._previous_time)
            prediction = HostPrediction(frame, smoothed)
        self._previous_time = timestamp
        return Stabilized(prediction, small, motion)


def scaled(
    motion: npt.NDArray[np.float64] | None, shape: tuple[int, ...], wanted: tuple[int, ...]
) -> npt.NDArray[np.float64] | None:
    """Return a motion in the pixels of a picture of another shape; pixel centres are whole numbers."""
    if motion is None:
        return None
    ratio = np.array([wanted[1] / shape[1], wanted[0] / shape[0]])
    to = np.array([[ratio[0], 0, (ratio[0] - 1) / 2], [0, ratio[1], (ratio[1] - 1) / 2], [0, 0, 1]])
    return np.asarray((to @ np.vstack([motion, [0, 0, 1]]) @ np.linalg.inv(to))[:2], np.float64)
