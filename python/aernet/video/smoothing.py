"""Smoothing of the probability map over time, along the motion of the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

_LONGEST_GAP_SECONDS = 1.0  # between frames; after a longer gap the past is forgotten


class Smoothing:
    """An exponential mean of the probability map along the motion of the picture.

    Args:
        seconds: the time constant of the mean; docs/video.md compares several.
    """

    def __init__(self, seconds: float = 0.1) -> None:
        self._seconds = seconds
        self._mean: npt.NDArray[np.float32] | None = None

    def __call__(
        self, probability: npt.NDArray[np.float32], motion: npt.NDArray[np.float64] | None, seconds: float
    ) -> npt.NDArray[np.float32]:
        """Return the smoothed map, float32, S x S; pixels new to the picture are not smoothed.

        Args:
            probability: float32, S x S, in [0, 1].
            motion: from the previous frame to this one, 2 x 3 in the map's pixels; None forgets the past.
            seconds: since the previous frame; after more than 1 the past is forgotten.
        """
        if self._mean is None or motion is None or not 0 < seconds <= _LONGEST_GAP_SECONDS:
            self._mean = probability
        else:
            moved = probability.copy()
            size = probability.shape[::-1]
            cv2.warpAffine(self._mean, motion, size, moved, borderMode=cv2.BORDER_TRANSPARENT)
            weight = 1 - math.exp(-seconds / self._seconds)
            self._mean = np.asarray(cv2.addWeighted(probability, weight, moved, 1 - weight, 0), np.float32)
        return self._mean
