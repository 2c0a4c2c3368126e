"""Reliability: how often the pixels of a given probability are lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Pixels sorted by their probability into bins of equal width."""

    pixels: list[int]
    """The number of pixels in each bin."""
    confidence: list[float]
    """The mean probability of each bin; 0 where it is empty."""
    frequency: list[float]
    """The share of lesion among the pixels of each bin; 0 where it is empty."""

    @property
    def expected_calibration_error(self) -> float:
        """The mean distance of confidence and frequency over all pixels (Naeini et al. 2015)."""
        distance = np.abs(np.subtract(self.confidence, self.frequency))
        return float(np.average(distance, weights=self.pixels))


def reliability(probability: npt.NDArray[np.float32], lesion: npt.NDArray[np.bool_]) -> Reliability:
    """Compare probabilities in [0, 1] with the truth, two arrays of one shape with at least one pixel."""
    chosen = np.minimum((probability.ravel() * BINS).astype(int), BINS - 1)
    pixels = np.bincount(chosen, minlength=BINS)
    filled = np.maximum(pixels, 1)
    confidence = np.bincount(chosen, probability.ravel(), BINS) / filled
    frequency = np.bincount(chosen, lesion.ravel(), BINS) / filled
    return Reliability(pixels.tolist(), confidence.tolist(), frequency.tolist())
