"""The size and the place of the lesion, in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from aernet.regions import outlines

EXTENT_COLUMNS = ("area_px", "equivalent_diameter_px", "feret_diameter_px", "centre_x_px", "centre_y_px")
"""The columns of a table of extents."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Size and centre of the largest region of a mask, its holes filled."""

    area: int
    """Area in pixels."""
    equivalent_diameter: float
    """Diameter of the circle of the same area, in pixels."""
    feret_diameter: float
    """Longest distance between two points of the region, in pixels; each pixel is a square."""
    centre: tuple[float, float]
    """Mean x and y of the region's pixels; (0, 0) is the middle of the top left pixel."""


def measure_extent(mask: npt.NDArray[np.uint8]) -> Extent | None:
    """Measure the region of a mask, uint8 0/255, whose border encloses most; None if the mask is empty."""
    borders = outlines(mask)
    if not borders:
        return None
    left, top, width, height = cv2.boundingRect(borders[0])
    region = np.zeros((height, width), np.uint8)
    cv2.drawContours(region, borders[:1], -1, 1, cv2.FILLED, offset=(-left, -top))
    moments = cv2.moments(region)
    area = round(moments["m00"])
    hull = cv2.convexHull(borders[0]).reshape(-1, 2)
    apart = np.abs(hull[:, None] - hull) + 1  # between the far corners of two pixels
    return Extent(
        area=area,
        equivalent_diameter=math.sqrt(4 * area / math.pi),
        feret_diameter=float(np.hypot(apart[..., 0], apart[..., 1]).max()),
        centre=(left + moments["m10"] / area, top + moments["m01"] / area),
    )


def extent_row(mask: npt.NDArray[np.uint8]) -> dict[str, float | None]:
    """Return a mask's extent as a row of a table, with None in each column if the mask is empty."""
    extent = measure_extent(mask)
    if extent is None:
        return dict.fromkeys(EXTENT_COLUMNS)
    lengths = (extent.equivalent_diameter, extent.feret_diameter, *extent.centre)
    return dict(zip(EXTENT_COLUMNS, (extent.area, *(round(length, 2) for length in lengths)), strict=True))
