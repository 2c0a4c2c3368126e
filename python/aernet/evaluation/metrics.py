"""How well a mask agrees with an expert's, and the mean over pictures with its interval.

The definitions are those of the ISIC 2018 challenge, Task 1, as its official scorer `isic-challenge-scoring`
computes them: a ratio whose denominator is 0 counts as 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from aernet.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Sequence


LEAST_JACCARD = 0.65
"""Below it, the thresholded Jaccard of a picture is 0 (ISIC 2018, Task 1)."""

LEVELS = 1000
"""Steps between probabilities 0 and 1 in which `best_level_jaccard` looks for the best threshold."""

RESAMPLES = 10_000
INDICES_AT_ONCE = 1 << 21


@dataclass(frozen=True)
class Scores:
    """The agreement of one mask with the ground truth, each in [0, 1]."""

    jaccard: float
    """TP / (TP + FP + FN)."""
    dice: float
    """2 TP / (2 TP + FP + FN)."""
    thresholded_jaccard: float
    """The Jaccard index, or 0 where it is below 0.65."""
    sensitivity: float
    """TP / (TP + FN)."""
    specificity: float
    """TN / (TN + FP)."""
    accuracy: float
    """(TP + TN) / all pixels."""


@dataclass(frozen=True)
class Mean:
    """A mean over pictures, or a mean difference."""

    mean: float
    """The arithmetic mean."""
    ci95: tuple[float, float]
    """Its 95 % interval."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0, so that a difference is more than chance."""
        low, high = self.ci95
        return low > 0 or high < 0


def score(mask: npt.NDArray[np.uint8], ground_truth: npt.NDArray[np.uint8]) -> Scores:
    """Compare a mask with the ground truth, both uint8 H x W; lesion is where a value is above 128.

    Raises:
        FrameError: the two are not uint8 of one size with two dimensions and at least one pixel.
    """
    for name, array in (("mask", mask), ("ground truth", ground_truth)):
        if array.dtype != np.uint8 or array.ndim != 2 or array.size == 0:
            found = f"{array.dtype} of shape {array.shape}"
            raise FrameError(f"{name} must be uint8 of H x W pixels, got {found}")
    if mask.shape != ground_truth.shape:
        raise FrameError(f"mask is {mask.shape}, the ground truth {ground_truth.shape} (height, width)")
    marked, lesion = mask > 128, ground_truth > 128
    true_positive = int(np.count_nonzero(marked & lesion))
    false_positive = int(np.count_nonzero(marked)) - true_positive
    false_negative = int(np.count_nonzero(lesion)) - true_positive
    true_negative = mask.size - true_positive - false_positive - false_negative
    jaccard = _ratio(true_positive, true_positive + false_positive + false_negative)
    return Scores(
        jaccard=jaccard,
        dice=_ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative),
        thresholded_jaccard=jaccard if jaccard >= LEAST_JACCARD else 0.0,
        sensitivity=_ratio(true_positive, true_positive + false_negative),
        specificity=_ratio(true_negative, true_negative + false_positive),
        accuracy=(true_positive + true_negative) / mask.size,
    )


def best_level_jaccard(probability: npt.NDArray[np.float32], ground_truth: npt.NDArray[np.uint8]) -> float:
    """Return the largest Jaccard index that a threshold for this picture alone could give.

    It tells how well a network sees a lesion, wherever experts draw its border: it does not change with the
    threshold, nor with any calibration that keeps the order of probabilities.

    Args:
        probability: float32 in [0, 1], S x S, resized to the ground truth as masks are (bilinear).
        ground_truth: uint8, H x W; lesion is where a value is above 128.
    """
    return float(jaccard_at_levels(probability, ground_truth).max())


def jaccard_at_levels(
    probability: npt.NDArray[np.float32], ground_truth: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """Return the Jaccard index of the masks with the thresholds 0, 1 / LEVELS and so on.

    Args:
        probability: float32 in [0, 1], S x S, resized to the ground truth as masks are (bilinear).
        ground_truth: uint8, H x W; lesion is where a value is above 128.

    Returns:
        float64, LEVELS + 2 numbers in [0, 1]: those with the thresholds 0 to 1, and that of an empty mask.
    """
    enlarged = cv2.resize(probability, ground_truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
    level = (enlarged * LEVELS).astype(np.int64)
    lesion = ground_truth > 128
    # For every level, the pixels at or above it; the last entry is that of an empty mask.
    marked = np.append(np.cumsum(np.bincount(level.ravel(), minlength=LEVELS + 1)[::-1])[::-1], 0)
    found = np.append(np.cumsum(np.bincount(level[lesion], minlength=LEVELS + 1)[::-1])[::-1], 0)
    union = marked + np.count_nonzero(lesion) - found
    jaccard = np.ones(len(union))
    np.divide(found, union, out=jaccard, where=union > 0)
    return jaccard


def bootstrap_mean(values: Sequence[float] | npt.NDArray[np.float64], seed: int = 0) -> Mean:
    """Return the mean with its 95 % percentile bootstrap interval of 10 000 resamples (Efron, 1979).

    Args:
        values: one finite number a picture, at least one.
        seed: the same seed draws the same resamples for every list of one length.
    """
    sample = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    rows = max(1, INDICES_AT_ONCE // len(sample))
    counts = (min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows))
    draws = (random.integers(len(sample), size=(count, len(sample))) for count in counts)
    means = np.concatenate([sample[draw].mean(axis=1) for draw in draws])
    low, high = np.percentile(means, (2.5, 97.5))
    return Mean(float(sample.mean()), (float(low), float(high)))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
