"""From a frame's own answer to a steady one, and a word on the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet._native import mask_from_probability
from aernet.video.motion import Motion, shrink
from aernet.video.smoothing import Smoothing
from aernet.video.states import State, States

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.segmentation import Segmentation


class Steadying:
    """Smooths the segmentations of a video in order, and judges each frame.

    Args:
        smooth: whether the segmentations are smoothed, or only judged.
    """

    def __init__(self, *, smooth: bool) -> None:
        self._smoothing = Smoothing() if smooth else None
        self._motion = Motion()
        self._states = States()
        self._before = 0.0

    def __call__(self, segmentation: Segmentation, timestamp: float) -> tuple[Segmentation, State]:
        """Return the frame's steadied segmentation and state.

        Args:
            segmentation: of a BGR frame.
            timestamp: the frame's time in seconds.
        """
        picture = segmentation.frame
        small = shrink(picture)
        motion = self._motion(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8))
        if self._smoothing is not None:
            along = scaled(motion, small.shape[:2], segmentation.probability.shape)
            probability = self._smoothing(segmentation.probability, along, timestamp - self._before)
            height, width = picture.shape[:2]
            mask = mask_from_probability(probability, height, width, segmentation.threshold)
            segmentation = replace(segmentation, mask=mask, probability=probability)
        self._before = timestamp
        state = self._states(picture, small, motion, segmentation.area_fraction, timestamp)
        return segmentation, state


def scaled(
    motion: npt.NDArray[np.float64] | None, shape: tuple[int, ...], wanted: tuple[int, ...]
) -> npt.NDArray[np.float64] | None:
    """Return a motion in the pixels of a picture of another shape, pixel centres at whole numbers."""
    if motion is None:
        return None
    ratio = np.array([wanted[1] / shape[1], wanted[0] / shape[0]])
    to = np.array([[ratio[0], 0, (ratio[0] - 1) / 2], [0, ratio[1], (ratio[1] - 1) / 2], [0, 0, 1]])
    return np.asarray((to @ np.vstack([motion, [0, 0, 1]]) @ np.linalg.inv(to))[:2], np.float64)
