"""The size and place of the lesion in a frame, by the functions that measure pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from aernet.measure.diameters import longest_diameter
from aernet.measure.row import six_digits
from aernet.measure.shape import Shape

if TYPE_CHECKING:
    from aernet.arrays import HostImage

EXTENT_COLUMNS = (
    "area_px",
    "equivalent_diameter_px",
    "longest_diameter_px",
    "centroid_px_x",
    "centroid_px_y",
    "area_mm2",
    "equivalent_diameter_mm",
    "longest_diameter_mm",
)
"""The columns of a table of extents, called as `Measurements.row` calls them."""


def extent_row(mask: HostImage, mm_per_pixel: float | None = None) -> dict[str, float | None]:
    """Return the size and the place of a mask as a row of a table; None is what is not known.

    They are those of `measure_mask`, with six digits, without what takes it longer.

    Args:
        mask: uint8, H x W, 255 inside the lesion and 0 outside; an empty one has None in each column but
            its area, 0.
        mm_per_pixel: the distance of neighbouring pixels in millimetres, above 0; None if it is not known.
    """
    row: dict[str, float | None] = dict.fromkeys(EXTENT_COLUMNS)
    if not cv2.hasNonZero(mask):
        return row | {"area_px": 0}
    shape = Shape.of(mask)
    longest = longest_diameter(shape.hull).length
    row |= {
        "equivalent_diameter_px": shape.diameter,
        "longest_diameter_px": longest,
        "centroid_px_x": shape.centroid[0],
        "centroid_px_y": shape.centroid[1],
    }
    if mm_per_pixel is not None:
        row |= {
            "area_mm2": shape.area * mm_per_pixel**2,
            "equivalent_diameter_mm": shape.diameter * mm_per_pixel,
            "longest_diameter_mm": longest * mm_per_pixel,
        }
    rounded = {name: None if value is None else six_digits(value) for name, value in row.items()}
    return rounded | {"area_px": shape.area}


def size_words(row: dict[str, float | None]) -> tuple[str, str]:
    """Return area and longest diameter of a row in words, in millimetres where they are known."""
    if row["longest_diameter_px"] is None:
        return "-", "-"
    if row["longest_diameter_mm"] is None:
        return f"{row['area_px']:,} px", f"{row['longest_diameter_px']:,.0f} px"
    return f"{row['area_mm2']:.2f} mm²", f"{row['longest_diameter_mm']:.2f} mm"
