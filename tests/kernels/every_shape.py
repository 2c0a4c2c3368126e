"""Run every kernel over memory that ends with its last pixel; for a library that watches each access."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
from fakes.kernels import CHANNELS, Bytes, Frames, Kernels, PixelFormat

SIDES = ((1, 1), (7, 3), (9, 18), (40, 37), (33, 64), (64, 101), (50, 259))


def exact(shape: tuple[int, ...], alignment: int) -> Bytes:
    """Return N x H x W x C or N x H x W, rows at multiples of `alignment`; nothing follows the last."""
    count, height = shape[:2]
    row = int(np.prod(shape[2:]))
    pitch = -(-row // alignment) * alignment
    memory = np.zeros((count * height - 1) * pitch + row, np.uint8)
    packed = (shape[3], 1) if len(shape) == 4 else (1,)
    return np.lib.stride_tricks.as_strided(memory, shape, (height * pitch, pitch, *packed))


def frames(form: PixelFormat, count: int, height: int, width: int, alignment: int) -> Frames:
    if form is not PixelFormat.NV12:
        return Frames(form, exact((count, height, width, CHANNELS[form]), alignment))
    both = exact((count, height + -(-height // 2), -(-width // 2) * 2), alignment)
    chroma = np.lib.stride_tricks.as_strided(
        both[:, height:], (count, both.shape[1] - height, both.shape[2] // 2, 2), (*both.strides[:2], 2, 1)
    )
    return Frames(form, both[:, :height, :width, None], chroma)


def main(library: Path) -> None:
    kernels = Kernels(library)
    rng = np.random.default_rng(0)
    for (height, width), alignment in product(SIDES, (1, 4, 16)):
        for form in PixelFormat:
            pixels = frames(form, 2, height, width, alignment)
            for size in (1, 5, 32, 70):
                kernels.preprocess(pixels, size)
            if CHANNELS[form] > 1:
                masks = exact((2, height, width), alignment)
                masks[:] = np.arange(width) % 3
                kernels.overlay(pixels.pixels, masks, ((1, 2, 3), 0.5))
        for size, element in product((1, 16, 33), (np.float32, np.float16)):
            probability = rng.random((2, size, size)).astype(element)
            kernels.mask(probability, exact((2, height, width), alignment), 0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
