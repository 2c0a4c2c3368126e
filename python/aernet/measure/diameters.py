"""Feret diameters: how far apart two parallel lines are that hold a shape between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from aernet.measure.measurements import Line
    from aernet.measure.outline import Outline

# The middles of a pixel's four edges, from its centre.
_EDGES = np.array([(-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)], np.float32)


class Diameter(NamedTuple):
    """A Feret diameter and the line along which it was taken."""

    length: float
    ends: Line


def convex_hull(outlines: Sequence[Outline]) -> npt.NDArray[np.float32]:
    """Return the corners of the convex hull of outlines, N x 2.

    The hull is that of the middles of the pixels' edges, not of their centres or corners: a row of n pixels
    is n long, and what slants is neither too long nor too short by more than half a pixel at each end.
    """
    pixels = cv2.convexHull(np.concatenate(outlines)).reshape(-1, 1, 2).astype(np.float32)
    return np.asarray(cv2.convexHull((pixels + _EDGES).reshape(-1, 2)), np.float32).reshape(-1, 2)


def longest_diameter(hull: npt.NDArray[np.floating]) -> Diameter:
    """Return the longest Feret diameter of a convex polygon, N x 2: from corner to farthest corner."""
    corners = hull.astype(np.float64)
    apart = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    first, second = np.unravel_index(int(apart.argmax()), apart.shape)
    return Diameter(float(apart[first, second]), (_point(corners[first]), _point(corners[second])))


def shortest_diameter(hull: npt.NDArray[np.floating]) -> Diameter:
    """Return the shortest Feret diameter of a convex polygon, N x 2, by rotating calipers.

    One of the two lines then lies on an edge (Houle and Toussaint 1988, "Computing the width of a set",
    10.1109/34.6790), so that for each edge the farthest corner is looked for.
    """
    corners = hull.astype(np.float64)
    along = np.roll(corners, -1, axis=0) - corners
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    height = normal @ corners.T - np.sum(normal * corners, axis=1)[:, None]
    farthest = np.abs(height).argmax(axis=1)
    widths = np.abs(height[np.arange(len(corners)), farthest])
    edge = int(widths.argmin())
    corner = corners[farthest[edge]]
    foot = corner - height[edge, farthest[edge]] * normal[edge]
    return Diameter(float(widths[edge]), (_point(corner), _point(foot)))


def _point(xy: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])
