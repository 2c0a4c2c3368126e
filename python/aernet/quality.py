"""How far to trust a mask: the Dice it probably reaches, and whether the picture looks like dermoscopy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from aernet.traits import traits

if TYPE_CHECKING:
    import numpy.typing as npt

COLOUR_SIZE = 64
"""Side, in pixels, of the picture in the colour contract that `colours` takes."""

_COLOURS = 9  # the numbers of `colours`
_FAINTEST = 1e-3  # below it, spread and detail of a flat picture would go to minus infinity


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model's answers on calibration pictures say of those to come.

    Raises:
        ValueError: `colour_mean` has not nine numbers, or `colour_precision` not nine rows and columns.
    """

    intercept: float
    """Logarithm of the odds d / (1 - d) of the expected Dice d of a mask whose traits are 0."""
    overlap: Annotated[float, msgspec.Meta(ge=0)]
    """What 1 more of `Traits.overlap` adds to it."""
    contact: Annotated[float, msgspec.Meta(le=0)]
    """What an outline that is the frame's border alone adds to it (`Traits.contact` 1)."""
    least_dice: float
    """Expected Dice below which somebody should look again."""
    colour_mean: list[float]
    """Mean of `colours` over the calibration pictures."""
    colour_precision: list[list[float]]
    """Inverse covariance of `colours` over the calibration pictures."""
    furthest: float
    """The largest Mahalanobis distance of `colours` among the calibration pictures."""

    def __post_init__(self) -> None:
        if len(self.colour_mean) != _COLOURS or np.shape(self.colour_precision) != (_COLOURS, _COLOURS):
            raise ValueError(f"colour_mean must have {_COLOURS} numbers, and colour_precision their square")

    def expected_dice(self, probability: npt.NDArray[np.float32], threshold: float) -> float:
        """Return the Dice, in [0, 1], that masks of such maps reached on the calibration pictures."""
        found = traits(probability, threshold)
        odds = self.intercept + self.overlap * found.overlap + self.contact * found.contact
        return (1 + math.tanh(odds / 2)) / 2  # the logistic function, without overflow

    def knows(self, image: npt.NDArray[np.float32]) -> bool:
        """Tell whether the colours of a picture (see `colours`) are such as the calibration pictures have."""
        return bool(self.distance(image) <= self.furthest)

    def distance(self, image: npt.NDArray[np.float32]) -> float:
        """Return the Mahalanobis distance of a picture's colours from the calibration pictures."""
        offset = colours(image) - np.asarray(self.colour_mean)
        return float(np.sqrt(offset @ np.asarray(self.colour_precision) @ offset))


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
