"""What the formats expect of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.errors import FrameError

if TYPE_CHECKING:
    from aernet.arrays import HostImage


def require_mask(mask: HostImage) -> None:
    """Raise FrameError if an array is no mask: uint8, H x W, of one pixel or more, 255 and 0 alone."""
    if mask.ndim != 2 or mask.dtype != np.uint8 or mask.size == 0:
        shape = " x ".join(map(str, mask.shape))
        raise FrameError(f"mask must be uint8 with 2 dimensions, got {mask.dtype} {shape}")
    other = (mask != 0) & (mask != 255)
    if other.any():
        raise FrameError(f"mask must be 0 for skin and 255 for lesion, got {mask[other][0]}")
