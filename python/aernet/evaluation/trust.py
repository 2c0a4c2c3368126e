"""How the traits of a model's maps tell the Dice of its masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.quality import Quality, colours
from aernet.traits import Traits, traits

if TYPE_CHECKING:
    import numpy.typing as npt

SIGNS = Traits(overlap=1, contact=-1)
"""Which way each trait may move the expected Dice."""

_RIDGE = 0.001
"""Weight of the squared coefficients of standardised traits beside the mean loss of a picture."""
_REVIEWED = 0.06


def fit_quality(
    probability: npt.NDArray[np.float32],
    threshold: float,
    dice: npt.NDArray[np.float64],
    pictures: npt.NDArray[np.float32],
) -> Quality:
    """Return the quality of a model, given its answers on calibration pictures.

    The `least_dice` is above the expected Dice of 6 % of these pictures.

    Args:
        probability: its calibrated maps, float32 in [0, 1], N x S x S.
        threshold: its own, between 0 and 1.
        dice: the Dice index of each mask with the expert's, N numbers in [0, 1].
        pictures: the pictures in the colour contract, float32, N x 3 x 64 x 64.
    """
    found = np.array([traits(plane, threshold) for plane in probability])
    intercept, coefficients = fit_odds(found, dice)
    expected = 1 / (1 + np.exp(-(intercept + found @ coefficients)))
    described = np.stack([colours(picture) for picture in pictures])
    mean = described.mean(0)
    precision = np.linalg.inv(np.cov(described.T) + 1e-6 * np.eye(len(mean)))
    offsets = described - mean
    furthest = np.sqrt(np.einsum("ni,ij,nj->n", offsets, precision, offsets).max())
    return Quality(
        intercept=intercept,
        **Traits(*coefficients.tolist())._asdict(),
        least_dice=float(np.quantile(expected, _REVIEWED)),
        colour_mean=mean.tolist(),
        colour_precision=precision.tolist(),
        furthest=float(furthest),
    )


def fit_odds(
    found: npt.NDArray[np.float64], dice: npt.NDArray[np.float64]
) -> tuple[float, npt.NDArray[np.float64]]:
    """Fit the Dice by a logistic function of the traits (fractional logit, Papke and Wooldridge 1996).

    The coefficients are kept small (ridge), and a trait whose coefficient would have the wrong sign counts
    nothing. The intercept is free, so that the mean of the expected Dice is that of the true one.

    Args:
        found: a row of traits for each picture, N x 2.
        dice: N numbers in [0, 1].

    Returns:
        The intercept, and the coefficients of the traits.
    """
    mean, spread = found.mean(0), found.std(0)
    counts = spread > 0
    while True:
        weights = _ridge(((found - mean) / np.where(counts, spread, 1))[:, counts], dice)
        coefficients = np.zeros(len(counts))
        coefficients[counts] = weights[1:] / spread[counts]
        wrong = coefficients * SIGNS < 0
        if not wrong.any():
            return float(weights[0] - coefficients @ mean), coefficients
        counts &= ~wrong


def _ridge(inputs: npt.NDArray[np.float64], dice: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return intercept and coefficients of the logistic function with the least loss, by Newton's method."""
    inputs = np.column_stack([np.ones(len(inputs)), inputs])
    penalty = np.full(inputs.shape[1], 2 * _RIDGE * len(inputs))
    penalty[0] = 0
    weights = np.zeros(inputs.shape[1])
    # The logarithm of the odds of the mean is where Newton's method is near enough to converge.
    weights[0] = np.log((dice.mean() + 1e-6) / (1 - dice.mean() + 1e-6))
    for _ in range(50):
        estimate = 1 / (1 + np.exp(-(inputs @ weights)))
        gradient = inputs.T @ (estimate - dice) + penalty * weights
        curvature = (inputs.T * (estimate * (1 - estimate))) @ inputs + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights
