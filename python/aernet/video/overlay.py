"""Draws the lesion and the state on a frame, fast enough for each frame of a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from aernet.drawing import draw_lesion
from aernet.video.states import State

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.video.result import VideoResult

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(result: VideoResult) -> HostImage:
    """Return the frame, uint8 BGR, H x W x 3, with the lesion tinted and outlined and the state in words."""
    picture = result.picture.copy()
    draw_lesion(picture, result.segmentation.mask, line=cv2.LINE_8)
    if result.state is not State.LESION:
        _write(picture, result.state.value)
    return picture


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
