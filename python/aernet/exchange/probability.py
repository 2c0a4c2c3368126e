"""The probability of each pixel as a gray picture of 16 bits."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from aernet.errors import FrameError

if TYPE_CHECKING:
    from aernet.arrays import ProbabilityMap

PROBABILITY_SCALE = 65535
"""The value of a pixel whose probability is 1; the values between are in proportion."""

_DESCRIPTION = f"probability of lesion = value / {PROBABILITY_SCALE}"


def to_probability_png(probability: ProbabilityMap, height: int, width: int) -> bytes:
    """Return a probability map at the picture's size as a gray PNG of 16 bits.

    A value is the probability times 65535, to the nearest whole number; the file says so in its description.
    The map is resized as for the mask (bilinear), so the values from threshold * 65535 on are the mask, but
    for pixels within 0.001 of the threshold. The mask may lack regions that the map has: see `keep` of
    `Segmenter`.

    Args:
        probability: the network's map, float, S x S, in [0, 1].
        height: the picture's height in pixels.
        width: its width.

    Raises:
        FrameError: the map has other dimensions or values.
    """
    text = PngInfo()
    text.add_text("Description", _DESCRIPTION)
    file = io.BytesIO()
    _gray(probability, height, width).save(file, "png", pnginfo=text)
    return file.getvalue()


def to_probability_tiff(probability: ProbabilityMap, height: int, width: int) -> bytes:
    """Return a probability map at the picture's size as a gray TIFF of 16 bits; see `to_probability_png`."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[TiffImagePlugin.IMAGEDESCRIPTION] = _DESCRIPTION
    file = io.BytesIO()
    _gray(probability, height, width).save(file, "tiff", compression="tiff_adobe_deflate", tiffinfo=tags)
    return file.getvalue()


def _gray(probability: ProbabilityMap, height: int, width: int) -> Image.Image:
    if probability.ndim != 2 or probability.size == 0:
        shape = " x ".join(map(str, probability.shape))
        raise FrameError(f"probability must have 2 dimensions, got {shape}")
    low, high = probability.min(), probability.max()
    if not (low >= 0 and high <= 1):
        raise FrameError(f"probability: expected values within [0, 1], found {low} to {high}")
    full = cv2.resize(np.asarray(probability, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return Image.fromarray(np.rint(full * PROBABILITY_SCALE).astype(np.uint16))
