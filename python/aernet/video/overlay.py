"""Draws the lesion and the state on a frame, fast enough for each frame of a video."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.segmentation import OUTLINE, TINT, outlines
from aernet.video.states import State

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.video.result import VideoResult

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(result: VideoResult) -> HostImage:
    """Return the frame, uint8 BGR, H x W x 3, with the lesion tinted and outlined and the state in words."""
    picture = result.picture.copy()
    draw_lesion(picture, result.segmentation.mask)
    if result.state is not State.LESION:
        _write(picture, result.state.value)
    return picture


def draw_lesion(picture: HostImage, mask: HostImage) -> None:
    """Tint and outline a lesion in a picture, uint8 BGR, H x W x 3, as `Segmentation.overlay` does."""
    left, top, width, height = cv2.boundingRect(mask)
    if width:
        place = np.s_[top : top + height, left : left + width]
        tinted = cv2.addWeighted(picture[place], 1 - TINT, _colour(mask.shape)[place], TINT, 0)
        cv2.copyTo(tinted, mask[place], picture[place])
        thickness = max(1, round(min(mask.shape) / 300))
        cv2.drawContours(picture, outlines(mask), -1, OUTLINE, thickness)


@lru_cache(maxsize=4)
def _colour(shape: tuple[int, int]) -> HostImage:
    return np.full((*shape, 3), OUTLINE, np.uint8)


def _write(picture: HostImage, words: str) -> None:
    """Write words at the bottom of a picture, dark on a light ground."""
    scale = min(picture.shape[:2]) / 600
    thickness = max(1, round(2 * scale))
    (width, height), descent = cv2.getTextSize(words, _FONT, scale, thickness)
    margin = height // 2
    bottom = picture.shape[0] - descent - 2 * margin
    corners = (margin, bottom - height - margin), (3 * margin + width, bottom + descent + margin)
    cv2.rectangle(picture, *corners, (255, 255, 255), cv2.FILLED)
    cv2.putText(picture, words, (2 * margin, bottom), _FONT, scale, (0, 0, 0), thickness, cv2.LINE_AA)
