"""A frame, wherever it lies and whatever its format, as a picture in the host's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.nv12 import Nv12Frame

if TYPE_CHECKING:
    from typing import TypeGuard

    from aernet.arrays import Frame, HostImage, PixelFormat


def bgr_picture(frame: Frame, colour: PixelFormat) -> HostImage:
    """Return a frame as a fresh picture, uint8 BGR, H x W x 3."""
    held = on_host(frame)
    if isinstance(held, Nv12Frame):
        return held.to_bgr()
    if colour == "nv12":
        return np.asarray(cv2.cvtColor(held, cv2.COLOR_YUV2BGR_NV12), np.uint8)
    colours = np.atleast_3d(held)[:, :, :3]
    if colour == "rgb":
        colours = colours[:, :, ::-1]
    return np.array(np.broadcast_to(colours, (*held.shape[:2], 3)), order="C")  # gray gets three channels


def is_gray(frame: Frame, colour: PixelFormat) -> bool:
    """Tell whether a frame has one channel, of light alone."""
    if isinstance(frame, Nv12Frame) or colour == "nv12":
        return False
    return frame.ndim == 2 or frame.shape[2] == 1


def on_host(frame: Frame) -> HostImage | Nv12Frame:
    """Return a frame in the host's memory; it is copied there from a GPU's."""
    return frame.to_host() if isinstance(frame, Nv12Frame) else np.asarray(frame)


def is_on_host(frame: object) -> TypeGuard[HostImage | Nv12Frame]:
    """Tell whether a frame lies in the host's memory."""
    return frame.is_on_host if isinstance(frame, Nv12Frame) else isinstance(frame, np.ndarray)
