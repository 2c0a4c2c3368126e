"""Calibration: what a model's predictions on validation pictures tell about its later ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from aernet._native import preprocess
from aernet.errors import SourceError
from aernet.evaluation.metrics import score
from aernet.evaluation.reliability import Reliability, reliability
from aernet.evaluation.threshold import best_threshold
from aernet.quality import COLOUR_SIZE, Quality, colours, steadiness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aernet.arrays import HostImage
    from aernet.pairs import Pair
    from aernet.picture_segmenter import PictureSegmenter

THRESHOLDS = tuple(round(0.3 + 0.025 * step, 3) for step in range(25))
_REVIEWED = 0.06
_FEWEST = 20
_CLOSEST = 1e-6


@dataclass(frozen=True)
class Scaling:
    """Platt's scaling: the calibrated logit is `slope` times the logit plus `intercept` (Platt 1999)."""

    slope: float
    intercept: float

    def __call__(self, probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities, float32 in (0, 1)."""
        logit = self.slope * _logit(probability) + self.intercept
        return (1 / (1 + np.exp(-logit))).astype(np.float32)


@dataclass(frozen=True)
class Calibration:
    """The findings on one set of pictures."""

    scaling: Scaling
    """With it, a probability of 0.8 means that 8 of 10 such pixels are lesion."""
    threshold: float
    """The threshold for the scaled probabilities."""
    quality: Quality
    """How to judge a mask, given the scaled probabilities and that threshold."""
    before: Reliability
    """The reliability of the model's own probabilities."""
    after: Reliability
    """The reliability of the scaled probabilities, on the pictures that the scaling was fitted to."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `aernet-trt export` stores in a model, and the calibration errors."""
        return {
            "scaling": asdict(self.scaling),
            "threshold": self.threshold,
            "quality": msgspec.to_builtins(self.quality),
            "expected_calibration_error": {
                "before": self.before.expected_calibration_error,
                "after": self.after.expected_calibration_error,
            },
        }


def calibrate(segmenter: PictureSegmenter, pairs: Iterable[Pair]) -> Calibration:
    """Find scaling, threshold and quality on pictures that the model was not trained on.

    The threshold is that of `best_threshold`. The `least_dice` of the quality is above the expected Dice of
    6 % of the pictures.

    Args:
        segmenter: the model.
        pairs: at least 20 pictures with masks.

    Raises:
        SourceError: there are fewer, or a picture or mask cannot be read.
    """
    probabilities, lesions, pictures, truths = [], [], [], []
    size = (segmenter.card.size, segmenter.card.size)
    for pair in pairs:
        picture, truth = pair.image(), pair.mask()
        probabilities.append(segmenter(picture).probability)
        pictures.append(preprocess(picture, COLOUR_SIZE))
        lesions.append(cv2.resize(truth, size, interpolation=cv2.INTER_AREA) > 127)
        truths.append(truth)
    if len(truths) < _FEWEST:
        raise SourceError(f"calibration needs at least {_FEWEST} pictures, found {len(truths)}")
    raw, lesion = np.stack(probabilities), np.stack(lesions)
    scaling = fit_scaling(raw, lesion)
    scaled = scaling(raw)
    threshold, dice = _choose_threshold(scaled, truths)
    quality = _fit_quality(scaled, threshold, dice, np.stack(pictures))
    return Calibration(scaling, threshold, quality, reliability(raw, lesion), reliability(scaled, lesion))


def fit_scaling(probability: npt.NDArray[np.float32], lesion: npt.NDArray[np.bool_]) -> Scaling:
    """Return the scaling with the largest likelihood, found by Newton's method.

    Args:
        probability: float32 in [0, 1].
        lesion: the truth, of the same shape; both lesion and skin must occur.
    """
    inputs = np.stack([_logit(probability).ravel(), np.ones(probability.size)])
    truth = lesion.ravel().astype(np.float64)
    weights = np.array([1.0, 0.0])
    for _ in range(50):
        estimate = 1 / (1 + np.exp(-(weights @ inputs)))
        gradient = inputs @ (estimate - truth)
        curvature = (inputs * (estimate * (1 - estimate))) @ inputs.T
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return Scaling(float(weights[0]), float(weights[1]))


def _logit(probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    clipped = np.clip(probability.astype(np.float64), _CLOSEST, 1 - _CLOSEST)
    return np.log(clipped / (1 - clipped))


def _choose_threshold(
    probability: npt.NDArray[np.float32], truths: list[HostImage]
) -> tuple[float, npt.NDArray[np.float64]]:
    """Return the threshold and the Dice index of each picture with it, at the masks' own size."""
    jaccard = np.zeros((len(truths), len(THRESHOLDS)))
    dice = np.zeros_like(jaccard)
    for index, (plane, truth) in enumerate(zip(probability, truths, strict=True)):
        enlarged = cv2.resize(plane, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        for column, threshold in enumerate(THRESHOLDS):
            scores = score(np.where(enlarged >= threshold, np.uint8(255), np.uint8(0)), truth)
            jaccard[index, column], dice[index, column] = scores.jaccard, scores.dice
    chosen = best_threshold(jaccard.mean(0).tolist())
    return THRESHOLDS[chosen], dice[:, chosen]


def _fit_quality(
    probability: npt.NDArray[np.float32],
    threshold: float,
    dice: npt.NDArray[np.float64],
    pictures: npt.NDArray[np.float32],
) -> Quality:
    steady = np.array([steadiness(plane, threshold) for plane in probability])
    slope, intercept = np.polyfit(steady, dice, 1)
    expected = np.clip(intercept + slope * steady, 0, 1)
    described = np.stack([colours(picture) for picture in pictures])
    mean = described.mean(0)
    precision = np.linalg.inv(np.cov(described.T) + 1e-6 * np.eye(len(mean)))
    offsets = described - mean
    furthest = np.sqrt(np.einsum("ni,ij,nj->n", offsets, precision, offsets).max())
    least = float(np.quantile(expected, _REVIEWED))
    return Quality(float(intercept), float(slope), least, mean.tolist(), precision.tolist(), float(furthest))
