"""How many millimetres a pixel is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, TypeAlias

from aernet.errors import FrameError

MmPerPixel: TypeAlias = float | Sequence[float]
"""Millimetres a pixel, or the pair (row spacing, column spacing) in the order of DICOM's Pixel Spacing."""

# Pixels that are higher than wide by more than this distort the picture so that its lengths are not said.
_MOST_ANISOTROPY = 1.05


def as_scale(mm_per_pixel: MmPerPixel) -> tuple[float, float]:
    """Return the horizontal and the vertical distance of neighbouring pixels, in millimetres.

    Args:
        mm_per_pixel: one number for both; or two, as DICOM's Pixel Spacing (0028,0030) has them (PS3.3,
            10.7.1.3): first the distance of neighbouring rows, which is vertical, then that of columns.

    Raises:
        FrameError: it is not one or two numbers, or one is not finite and above 0.
    """
    given: tuple[Any, ...] = (
        (mm_per_pixel,) * 2 if isinstance(mm_per_pixel, (float, int, Real)) else tuple(mm_per_pixel)
    )
    if len(given) != 2 or not all(isinstance(value, Real) for value in given):
        raise FrameError(f"mm_per_pixel: expected one number, or (row, column) spacing, found {mm_per_pixel}")
    if not all(math.isfinite(value) and value > 0 for value in given):
        raise FrameError(f"mm_per_pixel: expected a finite number above 0, found {mm_per_pixel}")
    row, column = given
    return float(column), float(row)


def tells_lengths(scale: tuple[float, float]) -> bool:
    """Tell whether the pixels are square enough for lengths, to within 5 %; areas are right with any."""
    return max(scale) / min(scale) <= _MOST_ANISOTROPY
