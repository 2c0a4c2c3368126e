"""Measurements as a row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.measure.measurements import Measurements, Value


def lesion_row(mask: HostImage, measurements: Measurements) -> dict[str, Value]:
    """Return the size of a mask, uint8, H x W, and its measurements: always the same names in one order.

    Numbers have six digits; what is not known is None.
    """
    height, width = mask.shape
    area_fraction = cv2.countNonZero(mask) / mask.size
    row: dict[str, Value] = {"width": width, "height": height, "area_fraction": area_fraction}
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in (row | measurements.row()).items()
    }
