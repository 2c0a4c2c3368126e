from __future__ import annotations

import cv2
import numpy as np
import pytest
from fakes.kernels import laid_out, memory_of
from hypothesis import given, settings
from hypothesis import strategies as st

from aernet.drawing import OUTLINE, TINT, shrunk

sides = st.integers(1, 130)


def by_opencv(pixels, mask):
    """The tint of `Segmentation.overlay`, on the three colours alone."""
    colours = np.ascontiguousarray(pixels[..., :3])
    tinted = cv2.addWeighted(colours, 1 - TINT, np.full_like(colours, OUTLINE), TINT, 0)
    return cv2.copyTo(tinted, mask, colours.copy())


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.sampled_from([3, 4]),
    count=st.integers(1, 3),
    height=sides,
    width=sides,
    gaps=st.tuples(*[st.sampled_from([0, 0, 1, 4, 6])] * 2),
    offsets=st.tuples(*[st.sampled_from([0, 0, 1, 4])] * 2),
)
def test_any_overlay(kernels, seed, channels, count, height, width, gaps, offsets):
    rng = np.random.default_rng(seed)
    shape = (count, height, width, channels)
    pictures = laid_out(rng, rng.integers(0, 256, shape, np.uint8), gaps[0], offsets[0])
    masks = 255 * rng.integers(0, 2, (count, -(-height // 9), -(-width // 5)), np.uint8)
    masks = laid_out(rng, masks.repeat(9, 1).repeat(5, 2)[:, :height, :width].copy(), gaps[1], offsets[1])
    before, around = pictures.copy(), memory_of(pictures).copy()
    kernels.overlay(pictures, masks, (OUTLINE, TINT))
    for picture, frame, mask in zip(pictures, before, masks, strict=True):
        wanted = by_opencv(frame, mask).astype(int)
        assert np.abs(picture[..., :3] - wanted).max() <= 1
        np.testing.assert_array_equal(picture[mask == 0], frame[mask == 0])
        np.testing.assert_array_equal(picture[..., 3:], frame[..., 3:])
    pictures[:] = before
    np.testing.assert_array_equal(memory_of(pictures), around)


def test_the_colour_is_in_the_order_of_the_channels(kernels):
    pictures = np.zeros((1, 1, 1, 3), np.uint8)
    kernels.overlay(pictures, np.full((1, 1, 1), 255, np.uint8), ((10, 20, 30), 1.0))
    assert pictures.ravel().tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    ("shape", "small"), [((1, 4000), (1, 1024)), ((4000, 1), (1024, 1)), ((9, 9), (9, 9))]
)
def test_a_narrow_picture_keeps_a_pixel_when_it_is_shrunk(shape, small):
    assert shrunk(np.full((*shape, 3), 7, np.uint8), 1024).shape == (*small, 3)
