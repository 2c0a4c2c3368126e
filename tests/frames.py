"""Frames of every layout in memory, and what OpenCV and double precision make of them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]


def resized(frame: Frame, size: int) -> npt.NDArray[np.float32]:
    """Resize a BGR frame by the contract's rule: float32 in [0, 1], size x size x 3."""
    height, width = frame.shape[:2]
    shrinks = height >= size and width >= size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(frame.astype(np.float32) / 255, (size, size), interpolation=interpolation)


def planes(lab: Floats) -> Floats:
    """Scale and clip CIELAB as the network takes it: 3 x size x size."""
    scaled = (lab + np.array([0, 128, 128], lab.dtype)) / np.array([100, 255, 255], lab.dtype)
    return np.clip(np.moveaxis(scaled, -1, 0), 0, 1)


def linear(srgb: Floats) -> npt.NDArray[np.float64]:
    """Decode sRGB (IEC 61966-2-1) in double precision."""
    value = srgb.astype(np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab_in_double(bgr: Floats) -> Floats:
    """Convert sRGB to CIELAB as CIE 15 has it, in double precision, with OpenCV's primaries and D65 white."""
    matrix = np.array(
        [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
    )
    ratio = linear(bgr[..., ::-1]) @ matrix.T / matrix.sum(1)
    x, y, z = np.moveaxis(
        np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29), -1, 0
    )
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def lab_by_opencv(bgr: Floats) -> Floats:
    """Convert sRGB with OpenCV's computed path: decoded here, the rest there."""
    return cv2.cvtColor(linear(bgr).astype(np.float32), cv2.COLOR_LBGR2LAB)


def lab_by_yardstick(bgr: npt.NDArray[np.float32]) -> Floats:
    """Convert sRGB with OpenCV's table."""
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB)


def random_view(rng: np.random.Generator, height: int, width: int) -> tuple[Frame, str, Frame]:
    """Return a frame in a random layout, its colour order, and the same picture as a plain BGR array."""
    levels = rng.integers(1, 257)  # from black to full contrast
    channels = int(rng.choice([3, 3, 3, 4, 1, 0]))
    layout = rng.integers(7)
    down, right = (int(step) for step in rng.integers(1, 4, 2))
    shape = (height * down + 5, width * right + 5, max(channels, 1))
    if layout == 0:  # transposed
        whole = rng.integers(0, levels, (shape[1], shape[0], shape[2]), np.uint8).transpose(1, 0, 2)
    elif layout == 1:  # planar
        whole = rng.integers(0, levels, (shape[2], *shape[:2]), np.uint8).transpose(1, 2, 0)
    else:
        whole = rng.integers(0, levels, shape, np.uint8)
    top, left = rng.integers(0, 5, 2)
    view = whole[top : top + height * down : down, left : left + width * right : right]
    if layout == 2:
        view = view[::-1]
    elif layout == 3:
        view = view[:, ::-1]
    elif layout == 4:
        view = np.broadcast_to(view[:1], view.shape)
    elif layout == 5:
        view = np.broadcast_to(view[..., :1], view.shape)
    colour = str(rng.choice(["bgr", "rgb"]))
    if channels == 3 and rng.integers(2):
        view = view[..., ::-1]
    view.flags.writeable = bool(rng.integers(2)) and view.flags.writeable
    picture = np.repeat(view, 3, 2) if channels < 3 else view[..., :3]
    plain = np.ascontiguousarray(picture[..., ::-1] if colour == "rgb" else picture)
    return (view[..., 0] if channels == 0 else view), colour, plain
