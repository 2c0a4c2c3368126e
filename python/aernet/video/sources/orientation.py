"""How a film is to be turned and mirrored for display."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from av import VideoFrame

    from aernet.arrays import HostImage

# `cv2.flip` takes a code for the axes to mirror.
_FLIPS = {(True, True): -1, (True, False): 1, (False, True): 0}


class Orientation(NamedTuple):
    """One of the eight ways to lay a picture: transposed first, then mirrored."""

    transposed: bool = False
    left_right: bool = False
    up_down: bool = False

    def applied(self, plane: HostImage) -> HostImage:
        """Return a plane as it is displayed; the plane itself if it lies right."""
        flip = _FLIPS.get((self.left_right, self.up_down))
        if self.transposed:
            plane = np.asarray(cv2.transpose(plane), np.uint8)
        return plane if flip is None else np.asarray(cv2.flip(plane, flip), np.uint8)


def orientation_of(frame: VideoFrame) -> Orientation:
    """Return how a decoded frame is to be laid, from its display matrix (ISO/IEC 14496-12, 8.3.2).

    A matrix that turns by no multiple of 90 degrees counts as the nearest one.
    """
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    # The column x of a stored pixel goes to a x + c y, its row y to b x + d y.
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transposed=True, left_right=c < 0, up_down=b < 0)
    return Orientation(left_right=a < 0, up_down=d < 0)
