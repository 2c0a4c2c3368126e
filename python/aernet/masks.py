"""Masks as experts and programs write them: which pixels are lesion, and masks that do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.errors import SourceError
from aernet.pictures import decode_raster
from aernet.pictures.colour import to_srgb
from aernet.pictures.orientation import upright

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.pictures.raster import Raster

# A mask that was resized or stored as JPEG is gray along its edge; a file with more gray is a picture or
# a probability map. Masks of ISIC 2018 resized to 64 x 64 stay below 10 %.
_GRAY = (16, 239)
_GRAY_TOLERATED = 0.1

# JPEG gives a gray mask colours that differ by less.
_COLOURLESS = 32

_EXPECTED = "a mask is 0 for skin and 255 for lesion"


def decode_mask(data: bytes, name: str) -> HostImage:
    """Return a mask, uint8, H x W, 255 where the file's gray value is above 128, else 0.

    The challenge's official scorer (`isic-challenge-scoring`) uses the same limit. Gray levels, 16 to 239,
    are accepted on up to 10 % of the pixels, because resizing and JPEG cause them along edges. Where only the
    alpha channel tells lesion from skin, it is the mask.

    Args:
        data: the content of a picture file.
        name: the name of the mask in errors.

    Raises:
        SourceError: the data are not a complete 8-bit picture, or do not tell lesion from skin: the mask is
            coloured, has values but none above 128, is gray on more than 10 % of its pixels, or its colours
            and its alpha channel show two different masks.
    """
    raster = decode_raster(data, name)
    gray = _gray(raster, name) if raster.alpha is None else _gray_or_alpha(raster, raster.alpha, name)
    gray = upright(gray, raster.orientation)
    mask = np.where(gray > 128, np.uint8(255), np.uint8(0))
    if gray.any() and not mask.any():
        raise SourceError(f"{name}: {_EXPECTED}, but no value here is above {gray.max()}")
    share = np.count_nonzero((gray >= _GRAY[0]) & (gray <= _GRAY[1])) / gray.size
    if share > _GRAY_TOLERATED:
        raise SourceError(
            f"{name}: {_EXPECTED}, but {share:.0%} of the pixels here are"
            f" gray ({_GRAY[0]} to {_GRAY[1]}; up to {_GRAY_TOLERATED:.0%} are taken for a soft edge)"
        )
    return mask


def looks_inverted(mask: HostImage) -> bool:
    """Tell whether a mask shows lesion where skin must be: all around, with skin inside.

    That is so where lesion takes the whole border without taking all, or most of the border but little of the
    middle: a lesion that reaches the border of the picture leaves a gap there when it is inverted.

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin.
    """
    height, width = mask.shape
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    middle = mask[height // 4 : height - height // 4, width // 4 : width - width // 4]
    if border.all():
        return not mask.all()
    return bool(border.mean() > 0.75 * 255 and middle.mean() < 0.5 * 255)


def _gray(raster: Raster, name: str) -> HostImage:
    """Return the gray values of a picture, H x W, which must have no colours."""
    if raster.mode == "gray":
        return raster.pixels
    colours = raster.pixels if raster.mode == "bgr" else to_srgb(raster, name)
    coloured = np.asarray(np.ptp(colours, axis=2) > _COLOURLESS)
    if coloured.any():
        blue, green, red = colours[coloured][0]
        raise SourceError(
            f"{name}: {_EXPECTED}, but {coloured.mean():.1%} of the pixels here are coloured, such as"
            f" red {red}, green {green}, blue {blue}; save it as gray"
        )
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), np.uint8)


def _gray_or_alpha(raster: Raster, alpha: HostImage, name: str) -> HostImage:
    """Return the colours of a picture as gray, or its alpha channel if that tells lesion from skin."""
    if alpha.min() == alpha.max():
        return _gray(raster, name)
    colours = np.atleast_3d(raster.pixels)
    if np.all(colours == colours[0, 0]):
        return alpha
    clear = (alpha < _GRAY[0]) | (alpha > _GRAY[1])
    bright = np.asarray(colours.mean(axis=2) > 128)
    for seen in (bright, np.asarray(colours.any(axis=2))):
        if np.array_equal(seen[clear], alpha[clear] > 128):
            return alpha
    raise SourceError(
        f"{name}: {_EXPECTED}, but here the colours show one mask and the alpha channel another;"
        " save it as gray without alpha"
    )
