"""Measures a lesion by its mask and its picture."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.errors import FrameError
from aernet.measure.asymmetry import colour_asymmetry, least_asymmetry, polar_grid
from aernet.measure.border import edge_of
from aernet.measure.colours import six_colours
from aernet.measure.diameters import longest_diameter, shortest_diameter
from aernet.measure.measurements import Measurements
from aernet.measure.outline import perimeter
from aernet.measure.sample import take_sample
from aernet.measure.scale import as_scale, tells_lengths
from aernet.measure.shape import Shape, equivalent_diameter

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.arrays import HostImage
    from aernet.measure.asymmetry import Axes, Polar
    from aernet.measure.measurements import Lab
    from aernet.measure.scale import MmPerPixel


_LEAST_CHROMA = 0.01  # what rounding gives to gray is less, what one of 255 steps gives to it is more

_BYTES = (np.dtype(np.uint8), np.dtype(np.bool_))


def measure_mask(
    mask: HostImage, picture: HostImage | None = None, mm_per_pixel: MmPerPixel | None = None
) -> Measurements:
    """Measure a lesion: its size, asymmetry, border and colours; no diagnosis, and no total score.

    Args:
        mask: uint8, H x W, 0 for skin and 255 for lesion (or boolean). All regions count as one lesion;
            `Segmentation.largest` leaves one.
        picture: uint8 BGR, H x W x 3, in sRGB, without anything drawn on it; None leaves out the colours,
            and so does a picture that is gray.
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
    border = _outermost(mask)
    held = cv2.countNonZero(border)
    if not mask.any():
        return Measurements(
            area_px=0, touches_frame=False, frame_border_fraction=0, region_count=0, mm_per_pixel=scale
        )
    shape = Shape.of(mask)
    polar = polar_grid(shape)
    axes = least_asymmetry(polar)
    measured = Measurements(
        area_px=shape.area,
        touches_frame=held > 0,
        frame_border_fraction=held / border.size,
        region_count=shape.region_count,
        centroid_px=shape.centroid,
        bounding_box_px=shape.box,
        equivalent_diameter_px=shape.diameter,
        mm_per_pixel=scale,
        symmetry_axis_degrees=axes.degrees,
        shape_asymmetry=axes.asymmetry,
        solidity=shape.solidity,
        **_lengths(shape),
    )
    if scale is not None:
        measured = replace(measured, **_millimetres(shape, scale))
    if picture is not None:
        measured = replace(measured, **_colours(shape, picture, polar, axes))
    return measured


def _lengths(shape: Shape) -> dict[str, Any]:
    """Return the fields of the lengths in pixels, and the compactness."""
    length = perimeter(shape.outlines)
    longest, shortest = longest_diameter(shape.hull), shortest_diameter(shape.hull)
    return {
        "perimeter_px": length,
        "longest_diameter_px": longest.length,
        "longest_diameter_ends_px": longest.ends,
        "shortest_diameter_px": shortest.length,
        "shortest_diameter_ends_px": shortest.ends,
        "compactness": length**2 / (4 * math.pi * shape.enclosed_area),
    }


def _millimetres(shape: Shape, scale: tuple[float, float]) -> dict[str, Any]:
    """Return the fields in millimetres; lengths are those of the outline in millimetres."""
    area = shape.area * scale[0] * scale[1]
    if not tells_lengths(scale):
        return {"area_mm2": area}
    hull, pixel = shape.hull * scale, sum(scale) / 2
    return {
        "area_mm2": area,
        "perimeter_mm": perimeter(shape.outlines, scale),
        "equivalent_diameter_mm": equivalent_diameter(area),
        "longest_diameter_mm": longest_diameter(hull, pixel).length,
        "shortest_diameter_mm": shortest_diameter(hull, pixel).length,
    }


def _colours(shape: Shape, picture: HostImage, polar: Polar, axes: Axes) -> dict[str, Any]:
    """Return the fields that a picture gives.

    A gray picture gives none, nor do specks that are lost in the means of squares of pixels.
    """
    sample = take_sample(shape, picture)
    if not sample.lesion.any() or np.abs(sample.lab[:, :, 1:]).max() < _LEAST_CHROMA:
        return {}
    lesion, skin = sample.lab[sample.lesion], sample.lab[sample.skin]
    lesion_mean, lesion_spread = _mean_and_spread(lesion)
    skin_mean, skin_spread = _mean_and_spread(skin) if len(skin) else (None, None)
    lightest_skin = None if skin_mean is None or skin_spread is None else skin_mean[0] + skin_spread[0]
    colours = six_colours(lesion, lightest_skin)
    edge = edge_of(sample, shape.centroid, axes.degrees)
    return {
        "colour_asymmetry_delta_e": colour_asymmetry(polar, sample, axes),
        "edge_delta_e": edge.delta_e,
        "abrupt_eighths": edge.abrupt,
        **{f"{name}_fraction": part for name, part in asdict(colours).items()},
        "colour_count": colours.count,
        "lesion_lab": lesion_mean,
        "lesion_lab_spread": lesion_spread,
        "skin_lab": skin_mean,
        "skin_lab_spread": skin_spread,
        "contrast_delta_e": None if skin_mean is None else math.dist(lesion_mean, skin_mean),
    }


def _mean_and_spread(lab: npt.NDArray[np.float32]) -> tuple[Lab, Lab]:
    """Return the mean and the standard deviation of colours, N x 3."""
    (l_mean, a_mean, b_mean), (l_spread, a_spread, b_spread) = (
        np.ravel(values).tolist() for values in cv2.meanStdDev(lab.reshape(-1, 1, 3))
    )
    return (l_mean, a_mean, b_mean), (l_spread, a_spread, b_spread)


def _outermost(mask: HostImage) -> HostImage:
    """Return the frame's outermost pixels, each once."""
    if min(mask.shape) == 1:
        return mask.ravel()
    return np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])


def _checked_mask(mask: Any) -> HostImage:
    """Return a mask as uint8, 0 and 255, in one piece, or say what it lacks."""
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype not in _BYTES:
        raise FrameError(f"mask: expected uint8, H x W, found {_describe(mask)}")
    if mask.size == 0:
        raise FrameError(f"mask: expected at least one pixel, found {_describe(mask)}")
    whole = np.ascontiguousarray(mask).view(np.uint8)
    highest = int(whole.max())
    inside = np.asarray(cv2.threshold(whole, 0, 255, cv2.THRESH_BINARY)[1], np.uint8)
    if cv2.countNonZero(inside) != cv2.countNonZero(cv2.inRange(whole, max(1, highest), highest)):
        raise FrameError("mask: expected 0 for skin and 255 for lesion, found other values between them")
    return inside


def _check_picture(picture: Any, mask: HostImage) -> None:
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
