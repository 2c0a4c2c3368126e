"""The lesion cut out of its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.errors import FrameError
from aernet.exchange.checks import require_mask
from aernet.result_files import png_bytes

if TYPE_CHECKING:
    from aernet.arrays import HostImage


def to_cutout(picture: HostImage, mask: HostImage) -> bytes:
    """Return a picture as a PNG with an alpha channel that is the mask.

    What is transparent is black, so that the file holds nothing of the picture but the lesion.

    Args:
        picture: uint8 BGR, H x W x 3.
        mask: uint8, H x W, 255 for lesion and 0 for skin.

    Raises:
        FrameError: the two are no such arrays, or differ in size.
    """
    require_mask(mask)
    if picture.shape != (*mask.shape, 3) or picture.dtype != np.uint8:
        shape = " x ".join(map(str, picture.shape))
        raise FrameError(
            f"picture must be uint8 of the mask's size {mask.shape[0]} x {mask.shape[1]} x 3,"
            f" got {picture.dtype} {shape}"
        )
    cut = np.dstack([cv2.bitwise_and(picture, picture, mask=mask), mask])
    return png_bytes(cut)
