"""The A of the ABCD rule: how well the halves of a lesion cover each other, and how alike their colours are.

The ABCD rule (Nachbar et al. 1994, 10.1016/S0190-9622(94)70061-3) bisects the lesion by two axes at a right
angle, placed so that the asymmetry is least. As a number, the asymmetry about an axis is the area that a
mirror image does not cover, divided by the area (Stoecker, Li and Moss 1992, "Automatic detection of
asymmetry in skin tumors", Computerized Medical Imaging and Graphics 16, 191-197).
"""

from __future__ import annotations

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
    """Return a polar grid over a shape, around its centroid and up to its farthest point."""
    radii = ((np.arange(_RADII) + 0.5) * (shape.reach / _RADII))[:, None]
    angles = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    x = (shape.centroid[0] + radii * np.cos(angles)).astype(np.float32)
    y = (shape.centroid[1] + radii * np.sin(angles)).astype(np.float32)
    left, top = shape.box[:2]
    inside = cv2.remap(shape.part, x - left, y - top, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return Polar(x, y, radii.astype(np.float32), np.asarray(inside, np.float32) / np.float32(255))


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
