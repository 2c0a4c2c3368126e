"""What all measures of a mask start from: its outlines, its convex hull and its centroid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.measure.diameters import convex_hull
from aernet.measure.outline import outer_outlines

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.arrays import HostImage
    from aernet.measure.measurements import Point
    from aernet.measure.outline import Outline


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A mask that is not empty, with what follows from it."""

    mask: HostImage
    """Of the frame's size, uint8, H x W, nonzero inside."""
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
    hull: npt.NDArray[np.float32]
    """The corners of the convex hull, N x 2, in the frame; see `convex_hull`."""

    @classmethod
    def of(cls, mask: HostImage) -> Shape:
        """Take the shape of a mask, uint8, H x W, nonzero inside, not empty."""
        x, y, width, height = cv2.boundingRect(mask)
        part = mask[y : y + height, x : x + width]
        outlines = [outline + np.array([x, y], np.int32) for outline in outer_outlines(part)]
        moments = cv2.moments(part, binaryImage=True)
        area = round(moments["m00"])
        centroid = (x + moments["m10"] / area, y + moments["m01"] / area)
        return cls(mask, part, (x, y, width, height), area, centroid, outlines, convex_hull(outlines))

    @property
    def diameter(self) -> float:
        """The diameter of a disc of the same area, in pixels."""
        return equivalent_diameter(self.area)

    @property
    def reach(self) -> float:
        """The distance of the outline's farthest point from the centroid, in pixels."""
        return float(np.linalg.norm(self.hull - self.centroid, axis=1).max())

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
        # The hull lacks a corner of the outermost pixels, and so may be smaller than the pixels it holds.
        return min(1.0, self.area / cv2.contourArea(self.hull))


def equivalent_diameter(area: float) -> float:
    """Return the diameter of a disc of an area."""
    return float(np.sqrt(4 * area / np.pi))
