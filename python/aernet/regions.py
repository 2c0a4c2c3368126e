"""The regions of a mask: which are kept, and their borders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.arrays import HostImage

Keep: TypeAlias = Literal["largest", "all"]
"""All regions of a mask, or the largest with its holes filled."""

KEEPS: tuple[Keep, ...] = get_args(Keep)


def largest_region(mask: HostImage) -> HostImage:
    """Return a mask with only its largest region (most pixels, 8-connected) left, its holes filled.

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin; an empty one is returned as it is.
    """
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:  # the background alone
        return mask
    label = 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    region = np.where(labels == label, np.uint8(255), np.uint8(0))
    border, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(region, border, -1, 255, cv2.FILLED)
    return region


def outlines(mask: HostImage) -> list[npt.NDArray[np.int32]]:
    """Return the outer borders of a mask, uint8 0/255, as `Segmentation.contours` does."""
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = sorted(found, key=cv2.contourArea, reverse=True)
    return [border.reshape(-1, 2).astype(np.int32, copy=False) for border in found]
