"""The A of the ABCD rule: how well the halves of a lesion cover each other, and how alike their colours are.

The ABCD rule (Nachbar et al. 1994, 10.1016/S0190-9622(94)70061-3) bisects the lesion by two axes at a right
angle, placed so that the asymmetry is least. As a number, the asymmetry about an axis is the area that a
mirror image does not cover, divided by the area (Stoecker, Li and Moss 1992, "Automatic detection of
asymmetry in skin tumors", Computerized Medical Imaging and Graphics 16, 191-197).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.measure.sample import Sample
    from aernet.measure.shape import Shape

# Points of the polar grid; axes can be told apart by half a degree.
_RADII = 128
_ANGLES = 360

# The longest side of what OpenCV's remap takes.
_LONGEST = 32766

# A grid whose area is off by more misses thin lines and specks between its points.
_MOST_OFF = 0.1


class Polar(NamedTuple):
    """A grid of points around a lesion's centroid, by radius and angle."""

    x: npt.NDArray[np.float32]
    """Horizontal position of each point in pixels, radii x angles."""
    y: npt.NDArray[np.float32]
    """Vertical position of each point in pixels, radii x angles."""
    radius: npt.NDArray[np.float32]
    """The radius of each row, radii x 1, to which the area of a point is proportional."""
    inside: npt.NDArray[np.float32]
    """How much of each point is lesion, in [0, 1], radii x angles."""


class Axes(NamedTuple):
    """The pair of perpendicular axes of least asymmetry, and the asymmetry about each."""

    turn: int
    """Twice the angle of the first axis, in steps of the grid of angles."""
    asymmetry: tuple[float, float]
    """The part of the lesion that its mirror image does not cover, about the first and the second axis."""

    @property
    def degrees(self) -> float:
        """The direction of the first axis, clockwise as seen from x, in [0, 180)."""
        return self.turn * 180 / _ANGLES


def polar_grid(shape: Shape) -> Polar:
    """Return a polar grid over a shape, around its centroid and up to its farthest point.

    Thin lines and specks may lie between the points. Then each point gets the mean of a square of pixels
    around it that is as wide as the outermost points are apart.
    """
    radii = ((np.arange(_RADII) + 0.5) * (shape.reach / _RADII))[:, None]
    angles = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    x = (shape.centroid[0] + radii * np.cos(angles)).astype(np.float32)
    y = (shape.centroid[1] + radii * np.sin(angles)).astype(np.float32)
    x_inside, y_inside = x - shape.box[0], y - shape.box[1]
    radius = radii.astype(np.float32)
    if max(shape.part.shape) <= _LONGEST:
        sampled = cv2.remap(shape.part, x_inside, y_inside, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        inside = np.asarray(sampled, np.float32) / np.float32(255)
        area = np.sum(radius * inside) * (shape.reach / _RADII) * (2 * np.pi / _ANGLES)
        if abs(area - shape.area) <= _MOST_OFF * shape.area:
            return Polar(x, y, radius, inside)
    return Polar(x, y, radius, _means(shape, x_inside, y_inside))


def _means(shape: Shape, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean of the square around each point, whose x and y are those in the bounding box."""
    side = math.ceil(2 * np.pi * shape.reach / _ANGLES)
    step = max(1, side // 8)  # an eighth of a square is exact enough, and keeps a large mask small
    part: cv2.typing.MatLike = shape.part
    for axis, length in enumerate(part.shape):
        part = np.add.reduceat(part, np.arange(0, length, step), axis, np.float32)
    part = part / np.float32(255 * step**2)
    margin = side // step
    part = cv2.copyMakeBorder(part, *(margin,) * 4, cv2.BORDER_CONSTANT, value=0)
    part = cv2.blur(part, (margin, margin) if margin % 2 else (margin + 1, margin + 1))
    x, y = (np.asarray((at + 0.5) / step - 0.5 + margin, np.float32) for at in (x, y))
    return np.asarray(cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)


def least_asymmetry(polar: Polar) -> Axes:
    """Return the two perpendicular axes through the centroid about which the shape is least asymmetric.

    A mirror image about the axis of angle t has at the angle p what was at 2 t - p. So the overlap with the
    mirror images about all axes is the convolution of the polar mask with itself along the angles.
    """
    spectrum = np.fft.rfft(polar.inside, axis=1)
    overlap = np.fft.irfft(np.sum(polar.radius * spectrum**2, axis=0), _ANGLES)
    asymmetry = np.clip(1 - overlap / np.sum(polar.radius * polar.inside**2), 0, 1)
    # Turns differ by half the angles between an axis and the one at a right angle to it.
    first = int(np.argmin((asymmetry + np.roll(asymmetry, -_ANGLES // 2))[: _ANGLES // 2]))
    second = first + _ANGLES // 2
    if asymmetry[second] < asymmetry[first]:
        first, second = second, first
    return Axes(first, (float(asymmetry[first]), float(asymmetry[second])))


def colour_asymmetry(polar: Polar, sample: Sample, axes: Axes) -> tuple[float, float] | None:
    """Return the mean colour difference of mirrored points, about the first and the second axis.

    The colour difference is the distance in CIELAB (CIE 1976). Only points that are lesion on both sides
    count, each by its area; None where there is none.
    """
    x = (polar.x - sample.corner[0] + 0.5) / sample.step - 0.5
    y = (polar.y - sample.corner[1] + 0.5) / sample.step - 0.5
    at_points = cv2.remap(sample.lab, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lab = np.asarray(at_points, np.float32)
    first = _mirrored_difference(polar, lab, axes.turn)
    second = _mirrored_difference(polar, lab, axes.turn + _ANGLES // 2)
    return None if first is None or second is None else (first, second)


def _mirrored_difference(polar: Polar, lab: npt.NDArray[np.float32], turn: int) -> float | None:
    mirrored = (turn - np.arange(_ANGLES)) % _ANGLES
    inside = polar.inside > 0.5
    weight = polar.radius * (inside & inside[:, mirrored])
    if not weight.any():
        return None
    apart = lab - lab[:, mirrored]
    difference = np.sqrt(np.einsum("rac,rac->ra", apart, apart))
    return float(np.average(difference, weights=weight))
