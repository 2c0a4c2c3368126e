"""Draws a lesion over its picture."""

from __future__ import annotations

from functools import lru_cache
from operator import index
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.errors import AernetError
from aernet.regions import outlines

if TYPE_CHECKING:
    from aernet.arrays import HostImage

OUTLINE = (80, 255, 80)
"""The usual colour of an outline, BGR; skin and lesions hold no such green."""
TINT = 0.15
"""The usual share of that colour in the lesion."""

_BAND = 64  # rows that are tinted at once


def draw_lesion(
    picture: HostImage,
    mask: HostImage,
    colour: tuple[int, int, int] = OUTLINE,
    tint: float = TINT,
    line: int = cv2.LINE_AA,
) -> None:
    """Tint and outline a lesion in a picture.

    Args:
        picture: uint8 BGR, H x W x 3; it is drawn into.
        mask: uint8, H x W, 255 inside the lesion and 0 outside.
        colour: blue, green and red, each from 0 to 255.
        tint: the share of the colour in the lesion's pixels, in [0, 1]; 0 leaves them as they are.
        line: OpenCV's kind of line; one that is not smoothed is faster.

    Raises:
        AernetError: colour or tint is not within its range.
    """
    ink = _checked(colour)
    if not 0 <= tint <= 1:
        raise AernetError(f"tint must be from 0, which leaves the lesion as it is, to 1, got {tint}")
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return
    if tint:
        ground = _filled(mask.shape[1], ink)
        for begin in range(top, top + height, _BAND):
            place = np.s_[begin : min(begin + _BAND, top + height), left : left + width]
            part = picture[place]
            tinted = cv2.addWeighted(part, 1 - tint, ground[: len(part), :width], tint, 0)
            cv2.copyTo(tinted, mask[place], part)
    cv2.drawContours(picture, outlines(mask), -1, ink, line_width(mask.shape), line)


def shrunk(picture: HostImage, longest: int) -> HostImage:
    """Return a picture whose longer side has at most `longest` pixels; a smaller one is returned as it is."""
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in (width, height)]
    interpolation = cv2.INTER_AREA if scale <= 0.5 else cv2.INTER_LINEAR  # does not alias, but is slow
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


def line_width(shape: tuple[int, ...]) -> int:
    """Return the width of an outline in pixels: 1 where the picture's shorter side has 300, 4 at 1200."""
    return max(1, round(min(shape[:2]) / 300))


def _checked(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return a colour as OpenCV takes it."""
    try:
        blue, green, red = (index(value) for value in colour)
    except (TypeError, ValueError):
        blue = green = red = -1
    if not all(0 <= value <= 255 for value in (blue, green, red)):
        raise AernetError(f"colour must be blue, green and red, each from 0 to 255, got {colour!r}")
    return blue, green, red


@lru_cache(maxsize=4)
def _filled(width: int, colour: tuple[int, int, int]) -> HostImage:
    """Return a band of one colour, kept because each frame of a video needs the same."""
    return np.full((_BAND, width, 3), colour, np.uint8)
