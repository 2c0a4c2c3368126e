"""The kernels, compiled for the host: the same bodies over the same grids, on NumPy arrays."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pathlib import Path

    from nv12 import Conversion

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.floating]
ELEMENTS = {np.dtype(np.float32): 0, np.dtype(np.float16): 1}

HALF = 2.0**-12
"""Rounding to float16 of numbers up to 1: half of the last place."""


class PixelFormat(IntEnum):
    """As in cpp/core/image.h."""

    BGR = 0
    RGB = 1
    BGRA = 2
    RGBA = 3
    GRAY = 4
    NV12 = 5


MATRICES = ("bt601", "bt709")
"""In the order of YuvMatrix there."""

CHANNELS = dict(zip(PixelFormat, (3, 3, 4, 4, 1, 1), strict=True))


class _Image(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("height", ctypes.c_ssize_t),
        ("width", ctypes.c_ssize_t),
        ("row_stride", ctypes.c_ssize_t),
        ("pixel_stride", ctypes.c_ssize_t),
        ("channel_stride", ctypes.c_ssize_t),
        ("chroma", ctypes.c_void_p),
        ("chroma_stride", ctypes.c_ssize_t),
        ("format", ctypes.c_int),
        ("matrix", ctypes.c_int),
        ("full_range", ctypes.c_bool),
    )


class _DeviceMasks(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("pitch", ctypes.c_ssize_t), ("stride", ctypes.c_ssize_t))


class _DevicePictures(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("height", ctypes.c_ssize_t),
        ("width", ctypes.c_ssize_t),
        ("channels", ctypes.c_ssize_t),
        ("pitch", ctypes.c_ssize_t),
        ("stride", ctypes.c_ssize_t),
    )


class _Tint(ctypes.Structure):
    _fields_ = (("colour", ctypes.c_uint8 * 3), ("share", ctypes.c_float))


@dataclass(frozen=True)
class Frames:
    """Frames of one size in memory, with whatever lies between their rows."""

    format: PixelFormat
    pixels: Bytes
    """N x H x W x C (C = 1 for gray and for the luma of NV12); the last two axes without gaps."""
    chroma: Bytes | None = None
    """NV12's second plane, N x h x w x 2, with the frame stride of `pixels`."""
    conversion: Conversion = ("bt601", False)
    """Of NV12 alone."""

    def first(self) -> _Image:
        count, height, width, channels = self.pixels.shape
        assert channels == CHANNELS[self.format]
        if self.chroma is not None:
            assert self.chroma.shape == (count, (height + 1) // 2, (width + 1) // 2, 2)
            assert count == 1 or self.chroma.strides[0] == self.pixels.strides[0]
        return _Image(
            self.pixels.ctypes.data,
            height,
            width,
            self.pixels.strides[1],
            channels,
            int(channels > 1),
            None if self.chroma is None else self.chroma.ctypes.data,
            0 if self.chroma is None else self.chroma.strides[1],
            self.format,
            MATRICES.index(self.conversion[0]),
            self.conversion[1],
        )


class Kernels:
    """The compiled library's functions."""

    def __init__(self, library: Path) -> None:
        self.path = library
        self._library = ctypes.CDLL(str(library))
        self._library.half_and_back.restype = ctypes.c_float

    def preprocess(self, frames: Frames, size: int, dtype: npt.DTypeLike = np.float32) -> Numbers:
        """Return the network's input, N x 3 x size x size."""
        count = len(frames.pixels)
        tensor = np.full((count, 3, size, size), np.nan, dtype)
        self._library.preprocess(
            ctypes.byref(frames.first()),
            count,
            ctypes.c_ssize_t(frames.pixels.strides[0]),
            size,
            ctypes.c_void_p(tensor.ctypes.data),
            ELEMENTS[tensor.dtype],
        )
        return tensor

    def mask(self, probability: Numbers, masks: Bytes, threshold: float) -> None:
        """Fill `masks`, N x H x W, rows without gaps, from `probability`, N x S x S."""
        count, height, width = masks.shape
        assert masks.strides[2] == 1
        assert probability.flags.c_contiguous
        self._library.mask(
            ctypes.c_void_p(probability.ctypes.data),
            ELEMENTS[probability.dtype],
            count,
            probability.shape[1],
            ctypes.c_void_p(masks.ctypes.data),
            *(ctypes.c_ssize_t(number) for number in (height, width, masks.strides[1], masks.strides[0])),
            ctypes.c_float(threshold),
        )

    def overlay(self, pictures: Bytes, masks: Bytes, tint: tuple[tuple[int, int, int], float]) -> None:
        """Tint pictures, N x H x W x C; `tint` is a colour in the order of the channels, and its share."""
        count, height, width, channels = pictures.shape
        stride, pitch = pictures.strides[:2]
        colour, share = tint
        self._library.overlay(
            ctypes.byref(_DevicePictures(pictures.ctypes.data, height, width, channels, pitch, stride)),
            ctypes.byref(_DeviceMasks(masks.ctypes.data, masks.strides[1], masks.strides[0])),
            count,
            ctypes.byref(_Tint((ctypes.c_uint8 * 3)(*colour), share)),
        )

    def half_and_back(self, value: float) -> float:
        """Round to float16 as the kernels do."""
        return self._library.half_and_back(ctypes.c_float(value))


def laid_out(rng: np.random.Generator, array: Bytes, gap: int, offset: int) -> Bytes:
    """Copy N x H x ... to where each row ends with `gap` bytes of noise, `offset` bytes off alignment."""
    count, height = array.shape[:2]
    row = array[0, 0].size + gap
    memory = rng.integers(0, 256, 64 + offset + count * (height * row + gap), np.uint8)
    start = -memory.ctypes.data % 64 + offset
    packed = (array.shape[3], 1) if array.ndim == 4 else (1,)
    view = np.lib.stride_tricks.as_strided(memory[start:], array.shape, (height * row + gap, row, *packed))
    view[:] = array
    return view


def memory_of(view: Bytes) -> Bytes:
    """Return all the bytes in which `laid_out` put its copy."""
    while isinstance(view.base, np.ndarray):
        view = view.base
    return view
