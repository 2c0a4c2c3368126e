"""Masks that formats easily lose something of."""

from __future__ import annotations

import cv2
import numpy as np
import shapely
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays


def _of(*rows):
    return np.array([[255 * (pixel == "#") for pixel in row] for row in rows], np.uint8)


def _blob():
    """Return a large region with holes, an island in one of them, and regions at the picture's border."""
    mask = np.zeros((120, 150), np.uint8)
    cv2.ellipse(mask, (70, 60), (55, 40), 20, 0, 360, 255, cv2.FILLED)
    cv2.circle(mask, (60, 55), 15, 0, cv2.FILLED)
    cv2.circle(mask, (60, 55), 6, 255, cv2.FILLED)
    cv2.circle(mask, (95, 70), 9, 0, cv2.FILLED)
    mask[:10, :7] = mask[-5:, -30:] = 255
    return mask


MASKS = {
    "blob": _blob(),
    "nothing": _of("....", "...."),
    "everything": _of("####", "####"),
    "one pixel": _of("...", ".#.", "..."),
    "one pixel wide": _of(".#....", ".#....", ".####.", "......"),
    "one pixel in all": _of("#"),
    "ring": _of("#####", "#...#", "#.#.#", "#...#", "#####"),
    "regions that touch with a corner": _of("##..", "##..", "..##", "..##"),
    "holes that touch with a corner": _of("#####", "#.###", "##.##", "#####"),
    "a border that touches itself": _of("####", "#..#", "#.#.", "####"),
    "a hole that touches the border": _of("###.", "#.##", "####"),
}

ANY_MASK = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 255])
)


def pixels_of(shape, height, width):
    """Return the pixels whose centres lie in a shape, by shapely."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.where(shapely.contains_xy(shape, x, y), np.uint8(255), np.uint8(0))
