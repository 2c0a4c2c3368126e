"""The motion of the whole picture from one frame to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from aernet.nv12 import Nv12Frame

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.video.frame import VideoFrame

_SIDE = 256  # longer side of the small picture, in pixels
_POINTS = 40
_LEAST_POINTS = 8
_LEAST_AGREEING = 0.6  # part of the points that must agree; across a cut fewer than 0.2 do
_ZOOM = (0.85, 1.18)  # least and greatest between two frames
_LEAST_RESPONSE = 0.3  # of phase correlation; across a cut the response is below 0.1
_CUT_LEVELS = 10.0  # mean difference; a moving hand causes less than 6, a cut more than 40


def shrink(frame: VideoFrame) -> HostImage:
    """Return a frame as a BGR picture, reduced to a longer side of 256 pixels or less, its aspect kept."""
    if not isinstance(frame, Nv12Frame):
        return _shrink(frame)
    luma = _shrink(np.asarray(frame.luma))
    height, width = ((side + 1) // 2 for side in luma.shape)
    chroma = np.asarray(frame.chroma).reshape((frame.shape[0] + 1) // 2, -1, 2)
    chroma = cv2.resize(halve(chroma, _SIDE), (width, height)).astype(np.uint8, copy=False)
    return replace(frame, luma=luma, chroma=chroma).to_bgr()


def _shrink(picture: HostImage) -> HostImage:
    picture = halve(picture, 2 * _SIDE)
    scale = _SIDE / max(picture.shape[:2])
    return picture if scale >= 1 else _resize(picture, scale, cv2.INTER_LINEAR)


def halve(picture: npt.NDArray[np.uint8], limit: int) -> npt.NDArray[np.uint8]:
    """Halve the picture, which is area averaging's fast case, until its longer side is below the limit."""
    while max(picture.shape[:2]) >= limit:
        picture = _resize(picture, 0.5, cv2.INTER_AREA)
    return picture


def _resize(picture: npt.NDArray[np.uint8], scale: float, interpolation: int) -> npt.NDArray[np.uint8]:
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


class Motion:
    """Follows the shift, rotation and zoom of the whole picture from frame to frame."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.uint8] | None = None

    def __call__(self, gray: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64] | None:
        """Return the transform from the previous frame to this one, 2 x 3 in pixels; None across a cut.

        Sparse optical flow (pyramidal Lucas-Kanade) gives the transform where most points agree; else phase
        correlation gives a shift; else the transform is the identity if the frames look alike.

        Args:
            gray: uint8, a frame as `shrink` makes it.
        """
        before, self._before = self._before, gray
        if before is None or before.shape != gray.shape:
            return None
        # Optical flow assumes constant brightness, which a camera's exposure changes.
        brighter = np.float64(gray.mean()) / max(1.0, before.mean())
        flow = _by_flow(np.asarray(cv2.convertScaleAbs(before, alpha=brighter), np.uint8), gray)
        if flow is not None:
            return flow
        shift = _by_phase(before, gray)
        if shift is not None:
            return shift
        difference = gray.astype(np.int16) - before
        return np.eye(2, 3) if np.abs(difference - difference.mean()).mean() < _CUT_LEVELS else None


def _by_flow(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64] | None:
    points: Any = cv2.goodFeaturesToTrack(before, _POINTS, 0.02, 10)
    if points is None:
        return None
    guess = points.copy()
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, guess, winSize=(13, 13), maxLevel=3)
    followed = found.ravel() == 1
    if np.count_nonzero(followed) < _LEAST_POINTS:
        return None
    transform, agreeing = cv2.estimateAffinePartial2D(
        points[followed], moved[followed], ransacReprojThreshold=1.0, maxIters=100
    )
    if transform is None or agreeing.mean() < _LEAST_AGREEING:
        return None
    zoom = np.hypot(*transform[:, 0])
    return np.asarray(transform, np.float64) if _ZOOM[0] < zoom < _ZOOM[1] else None


def _by_phase(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64] | None:
    if min(after.shape) < 2:
        return None
    window = cv2.createHanningWindow(after.shape[::-1], cv2.CV_32F)
    shift, response = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]]]) if response > _LEAST_RESPONSE else None
