"""Captures that the caller has opened with OpenCV."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.errors import SourceError

if TYPE_CHECKING:
    from aernet.video.sources.base import Frames

_FPS = 25.0  # of a file that tells none


class Capture:
    """A `cv2.VideoCapture`, read from where it stands; it stays the caller's, and open.

    One that knows how many frames it has (`CAP_PROP_FRAME_COUNT`) is read as a file. Any other is a camera.

    Raises:
        SourceError: it is not open.
    """

    def __init__(self, capture: cv2.VideoCapture) -> None:
        if not capture.isOpened():
            raise SourceError(
                "cv2.VideoCapture: expected one that is open; check the path or the number that it was given,"
                " and that no other program holds the camera"
            )
        self.name = f"cv2.VideoCapture ({capture.getBackendName()})"
        self.live = capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0
        self._capture = capture

    def frames(self) -> Frames:
        """Yield frames; see `Source`.

        The time is that of arrival for a camera. For a file it is `CAP_PROP_POS_MSEC`; where that stands
        still, one frame of `CAP_PROP_FPS` after the last.
        """
        capture = self._capture
        rate = capture.get(cv2.CAP_PROP_FPS)
        duration = 1 / (rate if rate > 0 else _FPS)
        seconds = -duration
        while True:
            arrived, captured = capture.read()
            if not arrived:
                break
            if self.live:
                seconds = time.perf_counter()
            else:
                stated = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                seconds = stated if stated > seconds else seconds + duration
            picture = np.asarray(captured)
            if picture.dtype != np.uint8 or picture.shape[2:] != (3,):
                raise SourceError(
                    f"{self.name}: expected uint8 BGR, H x W x 3, found {picture.dtype},"
                    f" {' x '.join(map(str, picture.shape))}; set CAP_PROP_CONVERT_RGB to 1"
                )
            yield picture.astype(np.uint8, copy=False), seconds
        if self.live:
            raise SourceError(f"{self.name}: gives no frame")
