"""How far to trust a mask: the Dice it probably reaches, and whether the picture looks like dermoscopy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

COLOUR_SIZE = 64
"""Side, in pixels, of the picture in the colour contract that `colours` takes."""

_FAINTEST = 1e-3  # below it, spread and detail of a flat picture would go to minus infinity


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model's answers on calibration pictures say of those to come.

    Raises:
        ValueError: `colour_precision` has not as many rows and columns as `colour_mean` has numbers.
    """

    intercept: float
    """Expected Dice of a mask without any steadiness."""
    slope: float
    """What full steadiness adds to it."""
    least_dice: float
    """Expected Dice below which somebody should look again."""
    colour_mean: list[float]
    """Mean of `colours` over the calibration pictures."""
    colour_precision: list[list[float]]
    """Inverse covariance of `colours` over the calibration pictures."""
    furthest: float
    """The largest Mahalanobis distance of `colours` among the calibration pictures."""

    def __post_init__(self) -> None:
        size = len(self.colour_mean)
        if not size or np.shape(self.colour_precision) != (size, size):
            raise ValueError(f"colour_precision must be {size} x {size}, as colour_mean has {size} numbers")

    def expected_dice(self, probability: npt.NDArray[np.float32], threshold: float) -> float:
        """Return the Dice, in [0, 1], that masks of such maps reached on the calibration pictures."""
        return float(np.clip(self.intercept + self.slope * steadiness(probability, threshold), 0, 1))

    def knows(self, image: npt.NDArray[np.float32]) -> bool:
        """Tell whether the colours of a picture (see `colours`) are such as the calibration pictures have."""
        return bool(self.distance(image) <= self.furthest)

    def distance(self, image: npt.NDArray[np.float32]) -> float:
        """Return the Mahalanobis distance of a picture's colours from the calibration pictures."""
        offset = colours(image) - np.asarray(self.colour_mean)
        return float(np.sqrt(offset @ np.asarray(self.colour_precision) @ offset))


def steadiness(probability: npt.NDArray[np.float32], threshold: float) -> float:
    """Return how little a mask depends on its threshold, in [0, 1].

    The area at a threshold halfway to 1, divided by that at one halfway to 0. A lesion whose border is clear
    keeps its area; one that the network doubts shrinks. No lesion at all is 0.

    Args:
        probability: float32, H x W, in [0, 1].
        threshold: the mask's own, between 0 and 1.
    """
    sure = np.count_nonzero(probability >= (1 + threshold) / 2)
    possible = np.count_nonzero(probability >= threshold / 2)
    return sure / possible if possible else 0.0


def colours(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return nine numbers of a picture: mean, logarithm of the spread and of the detail of L, a and b.

    Args:
        image: float32, 3 x 64 x 64 in the colour contract.
    """
    planes = image.astype(np.float64)
    detail = sum(np.abs(np.diff(planes, axis=axis)).mean((1, 2)) for axis in (1, 2))
    spread = planes.std((1, 2))
    return np.concatenate(
        [planes.mean((1, 2)), np.log(spread + _FAINTEST), np.log(np.asarray(detail) + _FAINTEST)]
    )
