"""Measures a lesion by its mask and its picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.errors import FrameError
from aernet.measure.diameters import convex_hull, longest_diameter, shortest_diameter
from aernet.measure.measurements import Measurements
from aernet.measure.outline import outer_outlines, perimeter
from aernet.measure.scale import as_scale, tells_lengths

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.measure.scale import MmPerPixel


def measure_mask(
    mask: HostImage, picture: HostImage | None = None, mm_per_pixel: MmPerPixel | None = None
) -> Measurements:
    """Measure a lesion: its size, asymmetry, border and colours; no diagnosis, and no total score.

    Args:
        mask: uint8, H x W, 0 for skin and 255 for lesion (or boolean). All regions count as one lesion;
            `Segmentation.largest` leaves one.
        picture: uint8 BGR, H x W x 3, in sRGB, without anything drawn on it; None leaves out the colours.
        mm_per_pixel: the distance of neighbouring pixels in millimetres; two numbers are taken in the order
            of DICOM's Pixel Spacing: that of rows (vertical), then that of columns (horizontal). None
            leaves out millimetres: they are never guessed. Where the two differ by more than 5 %, the area
            is given in mm2, but no length in mm.

    Raises:
        FrameError: the mask, the picture or `mm_per_pixel` is not as stated above.
    """
    mask = _checked_mask(mask)
    if picture is not None:
        _check_picture(picture, mask)
    scale = None if mm_per_pixel is None else as_scale(mm_per_pixel)
    area = cv2.countNonZero(mask)
    frame = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    always: dict[str, Any] = {
        "area_px": area,
        "touches_frame": bool(frame.any()),
        "frame_border_fraction": cv2.countNonZero(frame) / frame.size,
        "mm_per_pixel": scale,
    }
    if area == 0:
        return Measurements(region_count=0, **always)
    outlines = outer_outlines(mask)
    hull = convex_hull(outlines)
    longest, shortest = longest_diameter(hull), shortest_diameter(hull)
    moments = cv2.moments(mask, binaryImage=True)
    return Measurements(
        **always,
        region_count=cv2.connectedComponents(mask, connectivity=8)[0] - 1,
        centroid_px=(moments["m10"] / area, moments["m01"] / area),
        bounding_box_px=_box(mask),
        perimeter_px=perimeter(outlines),
        equivalent_diameter_px=_equivalent_diameter(area),
        longest_diameter_px=longest.length,
        longest_diameter_ends_px=longest.ends,
        shortest_diameter_px=shortest.length,
        shortest_diameter_ends_px=shortest.ends,
        area_mm2=None if scale is None else area * scale[0] * scale[1],
        **({} if scale is None or not tells_lengths(scale) else _lengths_mm(outlines, hull, area, scale)),
    )


def _lengths_mm(outlines: Any, hull: Any, area: int, scale: tuple[float, float]) -> dict[str, float]:
    """Return the lengths in millimetres, taken of the outline in millimetres."""
    hull_mm = hull * np.asarray(scale)
    return {
        "perimeter_mm": perimeter(outlines, scale),
        "equivalent_diameter_mm": _equivalent_diameter(area * scale[0] * scale[1]),
        "longest_diameter_mm": longest_diameter(hull_mm).length,
        "shortest_diameter_mm": shortest_diameter(hull_mm).length,
    }


def _equivalent_diameter(area: float) -> float:
    return math.sqrt(4 * area / math.pi)


def _box(mask: HostImage) -> tuple[int, int, int, int]:
    x, y, width, height = cv2.boundingRect(mask)
    return x, y, width, height


def _checked_mask(mask: HostImage) -> HostImage:
    """Return a mask as contiguous uint8, or say what it lacks."""
    if (
        not isinstance(mask, np.ndarray)
        or mask.ndim != 2
        or mask.dtype not in {np.dtype(np.uint8), np.dtype(bool)}
    ):
        raise FrameError(f"mask: expected uint8, H x W, found {_describe(mask)}")
    if mask.size == 0:
        raise FrameError(f"mask: expected at least one pixel, found {_describe(mask)}")
    mask = np.ascontiguousarray(mask).view(np.uint8)
    highest = int(mask.max())
    if highest and cv2.countNonZero(mask) != np.count_nonzero(mask == highest):
        raise FrameError("mask: expected 0 for skin and 255 for lesion, found other values between")
    return mask


def _check_picture(picture: HostImage, mask: HostImage) -> None:
    expected = (*mask.shape, 3)
    if not isinstance(picture, np.ndarray) or picture.shape != expected or picture.dtype != np.uint8:
        raise FrameError(
            f"picture: expected uint8 BGR of the mask's size, {' x '.join(map(str, expected))},"
            f" found {_describe(picture)}"
        )


def _describe(given: object) -> str:
    if not isinstance(given, np.ndarray):
        return type(given).__name__
    return f"{given.dtype}, {' x '.join(map(str, given.shape))}"
