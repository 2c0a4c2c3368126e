"""What is measured of a lesion, as one record."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from aernet.errors import FrameError

Point: TypeAlias = tuple[float, float]
"""x to the right and y down, in pixels; whole numbers are the centres of pixels, (0, 0) the first."""

Line: TypeAlias = tuple[Point, Point]
"""The two ends of a straight line."""

Lab: TypeAlias = tuple[float, float, float]
"""L*, a* and b* of CIELAB with the white D50."""

Eighths: TypeAlias = tuple[float | None, ...]
"""Eight values, one for each eighth of the outline, clockwise as seen, from the first axis of symmetry on."""

Value: TypeAlias = float | int | bool | None
"""What a cell of a table holds."""

_ALWAYS = ("area_px", "touches_frame", "frame_border_fraction", "region_count", "mm_per_pixel")

_AXES = ("first_axis", "second_axis")
_ENDS = ("x1", "y1", "x2", "y2")
_PARTS: dict[str, tuple[str, ...]] = {
    "centroid_px": ("x", "y"),
    "bounding_box_px": ("x", "y", "width", "height"),
    "longest_diameter_ends_px": _ENDS,
    "shortest_diameter_ends_px": _ENDS,
    "mm_per_pixel": ("x", "y"),
    "shape_asymmetry": _AXES,
    "colour_asymmetry_delta_e": _AXES,
    "edge_delta_e": tuple(f"eighth{number}" for number in range(1, 9)),
    **dict.fromkeys(("lesion_lab", "lesion_lab_spread", "skin_lab", "skin_lab_spread"), ("l", "a", "b")),
}
"""What the fields with several values call each of them in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """The size, the asymmetry, the border and the colours of a lesion; no diagnosis, and no total score.

    What cannot be said is None, and no number is NaN or infinite: millimetres where no scale was given,
    colours where no picture was given, and nearly everything of an empty mask. The D of the ABCD rule, its
    differential structures (network, dots, globules, streaks), is not measured.

    All regions of the mask count together as one lesion. Where the lesion reaches the frame
    (`touches_frame`), it may go on outside, and every number is that of its visible part.

    Raises:
        FrameError: a number is not finite or is out of its range.
    """

    area_px: int
    """The lesion's pixels; holes do not count."""
    touches_frame: bool
    """Whether the lesion reaches the frame's outermost pixels, and so may go on outside."""
    frame_border_fraction: float
    """The part of the frame's outermost pixels that are lesion, in [0, 1]."""
    region_count: int
    """The separate regions of the mask; pixels that touch by a corner belong together."""

    centroid_px: Point | None = None
    """The mean position of the lesion's pixels."""
    bounding_box_px: tuple[int, int, int, int] | None = None
    """The x and y of the first pixel, the width and the height of the smallest box around the lesion."""
    perimeter_px: float | None = None
    """The length of the outer outlines of all regions together, without holes; see `outline.perimeter`."""
    equivalent_diameter_px: float | None = None
    """The diameter of a disc of the same area."""
    longest_diameter_px: float | None = None
    """The longest Feret diameter: the largest distance of two parallel lines that hold the lesion."""
    longest_diameter_ends_px: Line | None = None
    """The ends of that line, on the outline."""
    shortest_diameter_px: float | None = None
    """The shortest Feret diameter: the least distance of two parallel lines that hold the lesion."""
    shortest_diameter_ends_px: Line | None = None
    """A line of that length across the lesion, at a right angle to the two parallel lines."""

    mm_per_pixel: Point | None = None
    """The horizontal and the vertical distance of neighbouring pixels in millimetres, in this order, which is
    the reverse of that in which `measure_mask` takes them."""
    area_mm2: float | None = None
    """The area in square millimetres."""
    perimeter_mm: float | None = None
    """The perimeter; None too where `mm_per_pixel` differs by more than 5 %, like all lengths in mm."""
    equivalent_diameter_mm: float | None = None
    """The diameter of a disc of the same area."""
    longest_diameter_mm: float | None = None
    """The longest Feret diameter of the outline in millimetres."""
    shortest_diameter_mm: float | None = None
    """The shortest Feret diameter of the outline in millimetres."""

    symmetry_axis_degrees: float | None = None
    """The direction of the first axis, clockwise as seen from the picture's x, in [0, 180).

    Of all pairs of perpendicular axes through the centroid, the pair of least asymmetry in shape is taken;
    its first axis is the one about which the shape is less asymmetric.
    """
    shape_asymmetry: Point | None = None
    """The part of the lesion that its mirror image does not cover, about the first and the second axis.

    In [0, 1]; 0 where both halves cover each other.
    """
    colour_asymmetry_delta_e: Point | None = None
    """The mean colour difference (CIE 1976) of mirrored points, about the first and the second axis."""

    compactness: float | None = None
    """The square of the perimeter, over 4 pi times the area inside it: 1 for a disc, more if ragged."""
    solidity: float | None = None
    """The area divided by that of the convex hull, in (0, 1]: 1 for what has neither dents nor holes."""
    edge_delta_e: Eighths | None = None
    """The colour difference (CIE 1976) across the outline, for each eighth; see `border`.

    An eighth is None where the frame ends before the outline.
    """
    abrupt_eighths: int | None = None
    """In how many eighths of the outline the colour ends abruptly, 0 to 8; None where one is not seen."""

    black_fraction: float | None = None
    """The part of the lesion that is black, in [0, 1]; see `colours` for all six."""
    dark_brown_fraction: float | None = None
    """The part of the lesion that is dark brown, in [0, 1]."""
    light_brown_fraction: float | None = None
    """The part of the lesion that is light brown, in [0, 1]."""
    red_fraction: float | None = None
    """The part of the lesion that is red, in [0, 1]."""
    white_fraction: float | None = None
    """The part of the lesion that is white, in [0, 1]; None too where no skin is seen around."""
    blue_grey_fraction: float | None = None
    """The part of the lesion that is blue-grey, in [0, 1]."""
    colour_count: int | None = None
    """How many of the six colours take more than 5 % of the lesion; None where one is None."""
    lesion_lab: Lab | None = None
    """The mean colour of the lesion."""
    lesion_lab_spread: Lab | None = None
    """The standard deviation of L*, a* and b* in the lesion."""
    skin_lab: Lab | None = None
    """The mean colour of the skin around; None too where no skin is seen around."""
    skin_lab_spread: Lab | None = None
    """The standard deviation of L*, a* and b* in the skin around."""
    contrast_delta_e: float | None = None
    """The colour difference (CIE 1976) of the lesion's mean colour and that of the skin around."""

    def __post_init__(self) -> None:
        for name, value in self.row().items():
            if value is None:
                continue
            if not math.isfinite(value):
                raise FrameError(f"{name}: expected a finite number or None, found {value}")
            if value < 0 and not _may_be_negative(name):
                raise FrameError(f"{name}: expected a number from 0 on, found {value}")
            if value > 1 and _is_part(name):
                raise FrameError(f"{name}: expected a number in [0, 1], found {value}")
            if self.area_px == 0 and not name.startswith(_ALWAYS):
                raise FrameError(f"{name}: expected None for an empty mask, found {value}")

    def row(self) -> dict[str, Value]:
        """Return all values by name, flat and always in the same order, for tables and JSON.

        Fields with several values become several names, such as `centroid_px_x` and `centroid_px_y`,
        `longest_diameter_ends_px_x1` to `_y2`, `lesion_lab_l`, `edge_delta_e_eighth1`.
        """
        row: dict[str, Value] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            parts = _PARTS.get(field.name)
            if parts is None:
                row[field.name] = value
                continue
            values = [None] * len(parts) if value is None else _flat(value)
            row |= {f"{field.name}_{part}": one for part, one in zip(parts, values, strict=True)}
        return row


def _flat(values: tuple[Any, ...]) -> list[Any]:
    """Return the numbers of a tuple of numbers, or of a tuple of such tuples."""
    return [number for value in values for number in (value if isinstance(value, tuple) else (value,))]


def _may_be_negative(name: str) -> bool:
    return "_ends_px" in name or "_lab" in name


def _is_part(name: str) -> bool:
    return name.endswith("_fraction") or name.startswith(("solidity", "shape_asymmetry"))
