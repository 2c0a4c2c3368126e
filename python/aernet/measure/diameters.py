"""Feret diameters: how far apart two parallel lines are that hold a shape between them.

The shape is what lies within half a pixel of the convex hull of the pixels' centres: a row of n pixels is n
long, and what slants is neither too long nor too short by more than half a pixel at each end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from aernet.measure.measurements import Line, Point
    from aernet.measure.outline import Outline

    Corners = npt.NDArray[np.float64]
    """The corners (x, y) of a convex polygon in order, N x 2."""


class Diameter(NamedTuple):
    """A Feret diameter and the line along which it was taken."""

    length: float
    ends: Line


def convex_hull(outlines: Sequence[Outline]) -> Corners:
    """Return the convex hull of the centres of the outlines' pixels."""
    return np.asarray(cv2.convexHull(np.concatenate(outlines)).reshape(-1, 2), np.float64)


def hull_area(hull: Corners) -> float:
    """Return the area within half a pixel of a convex hull, by Steiner's formula for parallel bodies."""
    corners = hull.astype(np.float32)
    return cv2.contourArea(corners) + cv2.arcLength(corners, closed=True) / 2 + np.pi / 4


def longest_diameter(hull: Corners, pixel: float = 1) -> Diameter:
    """Return the longest Feret diameter: from corner to farthest corner.

    Args:
        hull: the convex hull of the pixels' centres.
        pixel: the side of a pixel in the unit of the hull.
    """
    apart = np.hypot(*(hull[:, None] - hull[None]).transpose(2, 0, 1))
    first, second = np.unravel_index(int(apart.argmax()), apart.shape)
    return _widened(hull[first], hull[second], np.array([1.0, 0.0]), pixel)


def shortest_diameter(hull: Corners, pixel: float = 1) -> Diameter:
    """Return the shortest Feret diameter, by rotating calipers.

    One of the two lines lies along an edge of the hull (Houle and Toussaint 1988, "Computing the width of a
    set", 10.1109/34.6790), so that for each edge the farthest corner is looked for.

    Args:
        hull: the convex hull of the pixels' centres.
        pixel: the side of a pixel in the unit of the hull.
    """
    along = np.roll(hull, -1, axis=0) - hull
    length = np.hypot(*along.T)
    along = along / np.where(length > 0, length, 1)[:, None] if len(hull) > 1 else np.array([[1.0, 0.0]])
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    height = normal @ hull.T - np.sum(normal * hull, axis=1)[:, None]
    farthest = np.abs(height).argmax(axis=1)
    edge = int(np.abs(height[np.arange(len(hull)), farthest]).argmin())
    corner = hull[farthest[edge]]
    foot = corner - height[edge, farthest[edge]] * normal[edge]
    return _widened(foot, corner, normal[edge], pixel)


def _widened(start: Corners, end: Corners, direction: Corners, pixel: float) -> Diameter:
    """Return the line between two centres, longer by half a pixel at each end.

    Args:
        start: (x, y).
        end: (x, y).
        direction: of the line, of length 1, where the centres are one.
        pixel: the side of a pixel.
    """
    length = float(np.hypot(*(end - start)))
    half = (pixel / 2) * ((end - start) / length if length > 0 else direction)
    return Diameter(length + pixel, (_point(start - half), _point(end + half)))


def _point(xy: Corners) -> Point:
    return float(xy[0]), float(xy[1])
