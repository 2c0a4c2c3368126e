"""Encodes a result for the page."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.drawing import shrunk
from aernet.regions import outlines
from aernet.video.extent import extent_row, size_words

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.video.result import VideoResult

_LONGEST = 1280  # pixels of the live picture's longer side
_QUALITY = 80  # of JPEG


def encode_view(result: VideoResult, mm_per_pixel: float | None = None) -> bytes:
    """Return a result as a message for the page.

    Two big-endian uint32 hold the sizes in bytes of the next two parts: a JSON object (`frame`, the index;
    `seconds`; `state`; `width` and `height` of the frame; `area` and `diameter`, the longest, in words;
    `outlines`, each x, y, x, y, ... in its pixels) and the picture as JPEG of at most 1280 pixels a side. The
    probability times 255 follows as gray JPEG.

    Args:
        result: the result.
        mm_per_pixel: the distance of neighbouring pixels in millimetres, if it is known.
    """
    segmentation = result.segmentation
    height, width = segmentation.mask.shape
    tolerance = max(0.5, max(width, height) / _LONGEST)  # pixels of the frame
    area, diameter = size_words(extent_row(segmentation.mask, mm_per_pixel))
    header = {
        "frame": result.frame_index,
        "seconds": round(result.timestamp, 3),
        "state": result.state.value,
        "width": width,
        "height": height,
        "area": area,
        "diameter": diameter,
        "outlines": [
            cv2.approxPolyDP(border, tolerance, closed=True).ravel().tolist()
            for border in outlines(segmentation.mask)
        ],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    picture = _jpeg(shrunk(result.picture, _LONGEST))
    probability = _jpeg(np.asarray(cv2.convertScaleAbs(segmentation.probability, alpha=255), np.uint8))
    return struct.pack(">II", len(text), len(picture)) + text + picture + probability


def _jpeg(picture: HostImage) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
