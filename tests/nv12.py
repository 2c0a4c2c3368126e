"""NV12 as two planes, and the pictures that they hold by OpenCV and by the standards' formulae."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from aernet import Nv12Frame

if TYPE_CHECKING:
    from aernet.nv12 import Matrix

Bytes = npt.NDArray[np.uint8]
Conversion: TypeAlias = "tuple[Matrix, bool]"
CONVERSIONS = tuple(product(("bt601", "bt709"), (False, True)))
"""Each matrix, in limited and in full range."""


def random_planes(rng: np.random.Generator, height: int, width: int) -> tuple[Bytes, Bytes]:
    """Return random luma, height x width, and its chroma, half of that x 2."""
    chroma = rng.integers(0, 256, (-(-height // 2), -(-width // 2), 2), np.uint8)
    return rng.integers(0, 256, (height, width), np.uint8), chroma


def padded(plane: Bytes, gap: int) -> Bytes:
    """Copy a plane to where `gap` bytes follow each row, and the first byte is `gap` bytes off alignment."""
    row = plane[0].size
    memory = np.full(gap + len(plane) * (row + gap), 77, np.uint8)
    strides = (row + gap, 2, 1) if plane.ndim == 3 else (row + gap, 1)
    view = np.lib.stride_tricks.as_strided(memory[gap:], plane.shape, strides)
    view[:] = plane
    return view


def levels_of(luma: Bytes, chroma: Bytes, conversion: Conversion) -> npt.NDArray[np.float64]:
    """Return the levels of planes in BGR, 0 to 255.

    BT.601 in limited range is OpenCV's; the others are ITU-R BT.601-7's and BT.709-6's in double precision,
    not rounded. As in OpenCV, luma below 16 counts as black in limited range.
    """
    matrix, full_range = conversion
    height, width = luma.shape
    if conversion == ("bt601", False):
        even = np.zeros((2 * chroma.shape[0], 2 * chroma.shape[1]), np.uint8)
        even[:height, :width] = luma
        whole = np.vstack([even, chroma.reshape(chroma.shape[0], -1)])
        return cv2.cvtColor(whole, cv2.COLOR_YUV2BGR_NV12)[:height, :width].astype(float)
    of_red, of_blue = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}[matrix]
    of_green = 1 - of_red - of_blue
    y = luma / 255 if full_range else np.maximum(luma.astype(float) - 16, 0) / 219
    pairs = (chroma.astype(float) - 128) / (255 if full_range else 224)
    cb, cr = np.moveaxis(pairs.repeat(2, 0).repeat(2, 1)[:height, :width], -1, 0)
    red = y + 2 * (1 - of_red) * cr
    blue = y + 2 * (1 - of_blue) * cb
    green = (y - of_red * red - of_blue * blue) / of_green
    return (255 * np.stack([blue, green, red], -1)).clip(0, 255)


def picture_of(luma: Bytes, chroma: Bytes, conversion: Conversion) -> Bytes:
    """Return the picture in planes, BGR, after comparing it with `levels_of`."""
    picture = Nv12Frame(luma, chroma, *conversion).to_bgr()
    assert_rounds(picture, levels_of(luma, chroma, conversion))
    return picture


def assert_rounds(picture: Bytes, levels: npt.NDArray[np.float64]) -> None:
    """Assert that a picture has the levels, rounded; either way where they lie in the middle."""
    assert picture.dtype == np.uint8
    assert picture.shape == levels.shape
    assert np.abs(picture - levels).max() <= 0.5 + 1e-3
