"""The C of the ABCD rule: which of the six dermoscopic colours a lesion holds.

The colours are those of Ali, Li and O'Shea 2020, "Towards the automatic detection of skin lesion shape
asymmetry, color variegation and diameter in dermoscopic images", 10.1371/journal.pone.0234352, in CIELAB
with the white D50. Black and the browns are boxes; white, red and blue-grey are references, of which a
colour is nearer than 50 by the Minkowski distance of order 3. A colour is present above 5 % of the lesion.

The boxes overlap each other and the distances, and within 50 of white lies ordinary skin. So here:

1. dark brown, light brown and black are asked in this order, and the first box that holds a pixel has it:
   black's box reaches up to L* = 39.9, and what is dark there and has brown's hue is dark brown;
2. all other pixels belong to the nearest of red, white and blue-grey, if that is nearer than 50; of two that
   are as near, to the first;
3. white counts only where it is lighter than the skin around: L* above the skin's mean by more than the
   skin's standard deviation. Other pixels that are nearest to white belong to no colour.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.measure.measurements import Lab

_DARK_BROWN = ((14.32, 6.85, 6.96), (47.57, 27.14, 46.81))
_LIGHT_BROWN = ((47.94, 11.89, 19.86), (71.65, 44.81, 64.78))
_BLACK = ((0.06, 0.27, 0.10), (39.91, 30.23, 22.10))
_RED, _WHITE, _BLUE_GREY = (54.29, 80.81, 69.89), (100.0, 0.0, 0.0), (50.28, -30.14, -11.96)
_NEAR = 50
_PRESENT = 0.05


@dataclass(frozen=True, slots=True)
class Colours:
    """The part of a lesion that each of the six colours takes, in [0, 1]."""

    dark_brown: float
    light_brown: float
    black: float
    red: float
    white: float | None
    """None where no skin is seen around, beside which white could be told."""
    blue_grey: float

    @property
    def count(self) -> int | None:
        """How many colours take more than 5 %; None where white is not known."""
        parts = astuple(self)
        return None if None in parts else sum(part > _PRESENT for part in parts)


def six_colours(lesion: npt.NDArray[np.float32], lightest_skin: float | None) -> Colours:
    """Return the part of each of the six colours.

    Args:
        lesion: the CIELAB (D50) of the lesion's pixels, N x 3, N above 0.
        lightest_skin: the L* above which a pixel is lighter than the skin around; None if that is not seen.
    """
    count = len(lesion)
    pixels = lesion.reshape(-1, 1, 3)
    left: cv2.typing.MatLike = np.full((count, 1), 255, np.uint8)
    boxes = []
    for low, high in (_DARK_BROWN, _LIGHT_BROWN, _BLACK):
        within = cv2.bitwise_and(left, cv2.inRange(pixels, np.array(low), np.array(high)))
        boxes.append(cv2.countNonZero(within) / count)
        left = cv2.subtract(left, within)
    dark_brown, light_brown, black = boxes
    planes = np.ascontiguousarray(lesion[np.ravel(left) > 0].T)
    cubes = np.stack([_cubed_distance(planes, reference) for reference in (_RED, _WHITE, _BLUE_GREY)])
    nearest = np.where(cubes.min(axis=0) < _NEAR**3, cubes.argmin(axis=0), -1)
    red, _, blue_grey = (int(np.count_nonzero(nearest == number)) / count for number in range(3))
    if lightest_skin is None:
        return Colours(dark_brown, light_brown, black, red, None, blue_grey)
    white = int(np.count_nonzero((nearest == 1) & (planes[0] > lightest_skin))) / count
    return Colours(dark_brown, light_brown, black, red, white, blue_grey)


def _cubed_distance(planes: npt.NDArray[np.float32], reference: Lab) -> npt.NDArray[np.float32]:
    """Return the third power of the Minkowski distance of order 3 from a colour, of colours 3 x N."""
    total = np.zeros(planes.shape[1], np.float32)
    for plane, value in zip(planes, reference, strict=True):
        apart = np.abs(plane - np.float32(value))
        total += apart * apart * apart
    return total
