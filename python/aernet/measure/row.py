"""Measurements as a row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from aernet.measure.measurements import Measurements

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.measure.measurements import Value

_EMPTY = Measurements(area_px=0, touches_frame=False, frame_border_fraction=0.0, region_count=0)
_BOX = "bounding_box_px_"
_WHOLE = ("width", "height", "area_px", "region_count", "abrupt_eighths", "colour_count")


def _type_of(name: str) -> type:
    if name == "touches_frame":
        return bool
    return int if name in _WHOLE or name.startswith(_BOX) else float


LESION_COLUMNS: dict[str, type] = {
    name: _type_of(name) for name in ("width", "height", "area_fraction", *_EMPTY.row())
}
"""The names in a row, in their order, and what they hold beside None."""


def lesion_row(mask: HostImage, measurements: Measurements) -> dict[str, Value]:
    """Return the size of a mask, uint8, H x W, and its measurements: always the same names in one order.

    Numbers have six digits; what is not known is None.
    """
    height, width = mask.shape
    area_fraction = cv2.countNonZero(mask) / mask.size
    row: dict[str, Value] = {"width": width, "height": height, "area_fraction": area_fraction}
    return {
        name: six_digits(value) if isinstance(value, float) else value
        for name, value in (row | measurements.row()).items()
    }


def six_digits(value: float) -> float:
    """Return a number as rows have it, with six significant digits."""
    return float(f"{value:.6g}")
