"""Calibration: what a model's predictions on validation pictures tell about its later ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from aernet._native import mask_from_probability, preprocess
from aernet.borders import Border, Borders
from aernet.errors import SourceError
from aernet.evaluation.metrics import LEVELS, jaccard_at_levels
from aernet.evaluation.reliability import Reliability, reliability
from aernet.evaluation.threshold import best_threshold
from aernet.evaluation.trust import fit_quality
from aernet.quality import COLOUR_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aernet.arrays import HostImage
    from aernet.pairs import Pair
    from aernet.picture_segmenter import PictureSegmenter
    from aernet.quality import Quality

THRESHOLDS = tuple(round(0.3 + 0.025 * step, 3) for step in range(25))
_QUARTILES = (0.25, 0.75)
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
    borders: Borders
    """The borders beside that of the threshold, for the scaled probabilities."""
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
            "borders": msgspec.to_builtins(self.borders),
            "expected_calibration_error": {
                "before": self.before.expected_calibration_error,
                "after": self.after.expected_calibration_error,
            },
        }


def calibrate(segmenter: PictureSegmenter, pairs: Iterable[Pair]) -> Calibration:
    """Find scaling, threshold, quality and borders on pictures that the model was not trained on.

    The threshold is that of `best_threshold`, the borders those of `find_borders`, the quality that of
    `fit_quality`.

    Args:
        segmenter: the model.
        pairs: at least 20 pictures with masks.

    Raises:
        SourceError: there are fewer, a picture or mask cannot be read, or no scaling is the best (see
            `fit_scaling`).
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
    quality = fit_quality(scaled, threshold, dice, np.stack(pictures))
    borders = find_borders(scaled, truths, threshold)
    return Calibration(
        scaling, threshold, quality, borders, reliability(raw, lesion), reliability(scaled, lesion)
    )


def find_borders(probability: npt.NDArray[np.float32], truths: list[HostImage], threshold: float) -> Borders:
    """Return the borders between which the experts of half of the pictures draw.

    Each picture has a best level, whose mask has the largest Jaccard index with the expert's. The tight
    border is the upper quartile of these levels and the wide one the lower; neither crosses the threshold.

    Args:
        probability: float32 in [0, 1], N x S x S.
        truths: the experts' masks, uint8 0 or 255, each of its picture's size.
        threshold: the model's own, between 0 and 1.

    Raises:
        SourceError: the model finds no lesion at the threshold.
    """
    best = [_best_level(plane, truth) for plane, truth in zip(probability, truths, strict=True)]
    lower, upper = (round(float(level), 3) for level in np.quantile(best, _QUARTILES))
    calibrated = _mean_area(probability, truths, threshold)
    if not calibrated:
        raise SourceError(f"no picture has a lesion at the threshold {threshold:g}; is the model trained?")

    def border(level: float) -> Border:
        return Border(level, round(_mean_area(probability, truths, level) / calibrated, 3))

    return Borders(tight=border(max(upper, threshold)), wide=border(min(lower, threshold)))


def _best_level(probability: npt.NDArray[np.float32], truth: HostImage) -> float:
    """Return the threshold in (0, 1) that suits the picture best, or the middle of those that do."""
    jaccard = jaccard_at_levels(probability, truth)[1:LEVELS]
    return float(1 + np.flatnonzero(jaccard == jaccard.max()).mean()) / LEVELS


def _mean_area(probability: npt.NDArray[np.float32], truths: list[HostImage], level: float) -> float:
    """Return the part of its picture that a mask covers, on the mean."""
    masks = (
        mask_from_probability(plane, truth.shape[0], truth.shape[1], level)
        for plane, truth in zip(probability, truths, strict=True)
    )
    return float(np.mean([cv2.countNonZero(mask) / mask.size for mask in masks]))


def fit_scaling(probability: npt.NDArray[np.float32], lesion: npt.NDArray[np.bool_]) -> Scaling:
    """Return the scaling with the largest likelihood, found by Newton's method.

    Args:
        probability: float32 in [0, 1].
        lesion: the truth, of the same shape.

    Raises:
        SourceError: the truth is lesion or skin alone, or no scaling is the best: the probabilities are all
            the same, or tell lesion from skin without a mistake.
    """
    truth = lesion.ravel().astype(np.float64)
    if not 0 < truth.mean() < 1:
        raise SourceError(
            f"calibration needs masks with both lesion and skin, found {'lesion' if truth.any() else 'skin'}"
            " alone; are these the experts' masks of these pictures?"
        )
    inputs = np.stack([_logit(probability).ravel(), np.ones(probability.size)])
    # The logarithm of the odds of the mean is where Newton's method is near enough to converge.
    weights = np.array([0, np.log(truth.mean() / (1 - truth.mean()))])
    loss = _loss(weights @ inputs, truth)
    for _ in range(50):
        estimate = np.exp(-np.logaddexp(0, -(weights @ inputs)))
        gradient = inputs @ (estimate - truth)
        curvature = (inputs * (estimate * (1 - estimate))) @ inputs.T
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError:
            break
        if np.abs(step).max() < 1e-9:
            return Scaling(float(weights[0]), float(weights[1]))
        while (loss_there := _loss((weights - step) @ inputs, truth)) > loss:
            step /= 2
        weights, loss = weights - step, loss_there
    raise SourceError(
        "no scaling fits these pictures best: the probabilities are all the same, or tell lesion from skin"
        " without a mistake; calibrate on more pictures, and only a trained model"
    )


def _loss(logit: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> float:
    """Return minus the logarithm of the likelihood."""
    return float((np.logaddexp(0, logit) - truth * logit).sum())


def _logit(probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    clipped = np.clip(probability.astype(np.float64), _CLOSEST, 1 - _CLOSEST)
    return np.log(clipped / (1 - clipped))


def _choose_threshold(
    probability: npt.NDArray[np.float32], truths: list[HostImage]
) -> tuple[float, npt.NDArray[np.float64]]:
    """Return the threshold and the Dice index of each picture with it, at the masks' own size."""
    columns = [round(threshold * LEVELS) for threshold in THRESHOLDS]
    jaccard = np.stack(
        [jaccard_at_levels(plane, truth)[columns] for plane, truth in zip(probability, truths, strict=True)]
    )
    chosen = best_threshold(jaccard.mean(0).tolist())
    of_chosen = jaccard[:, chosen]
    return THRESHOLDS[chosen], 2 * of_chosen / (1 + of_chosen)
