"""What all measures of a mask start from: its outlines, its convex hull and its centroid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.measure.diameters import convex_hull, hull_area
from aernet.measure.outline import outer_outlines

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.arrays import HostImage
    from aernet.measure.diameters import Corners
    from aernet.measure.measurements import Point
    from aernet.measure.outline import Outline


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A mask that is not empty, with what follows from it."""

    mask: HostImage
    """Of the frame's size, uint8, H x W, 255 inside."""
    part: HostImage
    """The mask inside the bounding box."""
    box: tuple[int, int, int, int]
    """The x, y, width and height of the bounding box, in pixels."""
    area: int
    """The number of pixels inside."""
    centroid: Point
    """The mean position of the pixels inside, in the frame."""
    outlines: list[Outline]
    """The outer borders of the regions, in the frame."""
    hull: Corners
    """The convex hull of the pixels' centres, in the frame."""

    @classmethod
    def of(cls, mask: HostImage) -> Shape:
        """Take the shape of a mask, uint8, H x W, 255 inside, not empty."""
        x, y, width, height = cv2.boundingRect(mask)
        part = mask[y : y + height, x : x + width]
        outlines = [outline + np.array([x, y], np.int32) for outline in outer_outlines(part)]
        across, down = (_sums(part, axis) for axis in (0, 1))
        area = round(across.sum())
        centroid = (
            x + float(across @ np.arange(width)) / area,
            y + float(down @ np.arange(height)) / area,
        )
        return cls(mask, part, (x, y, width, height), area, centroid, outlines, convex_hull(outlines))

    @property
    def diameter(self) -> float:
        """The diameter of a disc of the same area, in pixels."""
        return equivalent_diameter(self.area)

    @property
    def reach(self) -> float:
        """The distance of the outline's farthest point from the centroid, in pixels."""
        return float(np.linalg.norm(self.hull - self.centroid, axis=1).max()) + 0.5

    @property
    def region_count(self) -> int:
        """The number of separate regions, 8-connected."""
        return cv2.connectedComponents(self.part, connectivity=8)[0] - 1

    @property
    def enclosed_area(self) -> int:
        """The number of pixels inside the outer outlines: the area with the holes filled."""
        filled = np.zeros_like(self.part)
        cv2.drawContours(filled, self.outlines, -1, 255, cv2.FILLED, offset=(-self.box[0], -self.box[1]))
        return cv2.countNonZero(filled)

    @property
    def solidity(self) -> float:
        """The area divided by that of the convex hull, in (0, 1]."""
        # The hull lacks the corners of its outermost pixels, and so may be smaller than all its pixels.
        return min(1.0, self.area / hull_area(self.hull))


def _sums(part: HostImage, axis: int) -> npt.NDArray[np.float64]:
    """Return the number of pixels inside in each column (axis 0) or row (axis 1)."""
    return np.asarray(cv2.reduce(part, axis, cv2.REDUCE_SUM, dtype=cv2.CV_64F), np.float64).ravel() / 255


def equivalent_diameter(area: float) -> float:
    """Return the diameter of a disc of an area."""
    return float(np.sqrt(4 * area / np.pi))
