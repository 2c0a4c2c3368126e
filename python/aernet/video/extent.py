"""How large the lesion is and where, in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


EXTENT_COLUMNS = (
    "area_px",
    "equivalent_diameter_px",
    "feret_diameter_px",
    "centre_x_px",
    "centre_y_px",
)
"""What a table of extents has, in pixels."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The largest region of a mask, its holes filled."""

    area: int
    """Pixels."""
    equivalent_diameter: float
    """Of the circle of the same area, in pixels."""
    feret_diameter: float
    """The longest distance between two points of it, pixels being squares, in pixels."""
    centre: tuple[float, float]
    """Mean x and y of its pixels, (0, 0) being the middle of the top left one."""


def outlines(mask: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.int32]]:
    """Return the outer borders of a mask, uint8 0/255, as `Segmentation.contours` does."""
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = sorted(found, key=cv2.contourArea, reverse=True)
    return [border.reshape(-1, 2).astype(np.int32, copy=False) for border in found]


def measure_extent(mask: npt.NDArray[np.uint8]) -> Extent | None:
    """Measure the region of a mask, uint8 0/255, whose border encloses most; None if it is empty."""
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
    """Return a mask's extent as a table has it: None everywhere if the mask is empty."""
    extent = measure_extent(mask)
    if extent is None:
        return dict.fromkeys(EXTENT_COLUMNS)
    lengths = (extent.equivalent_diameter, extent.feret_diameter, *extent.centre)
    return dict(zip(EXTENT_COLUMNS, (extent.area, *(round(length, 2) for length in lengths)), strict=True))
