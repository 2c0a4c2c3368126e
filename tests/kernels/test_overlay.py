from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.host import CHANNELS, Frames, PixelFormat, laid_out

from aernet.segmentation import _OUTLINE, _TINT

TINT = (_OUTLINE, _TINT)
FORMATS = [form for form in PixelFormat if CHANNELS[form] > 1]
sides = st.integers(1, 130)


def by_opencv(pixels, mask):
    """The tint of `Segmentation.overlay`, on the three colours alone; it is the same in BGR and RGB."""
    colours = np.ascontiguousarray(pixels[..., :3])
    tinted = cv2.addWeighted(colours, 1 - _TINT, np.full_like(colours, _OUTLINE), _TINT, 0)
    return cv2.copyTo(tinted, mask, colours.copy())


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    form=st.sampled_from(FORMATS),
    count=st.integers(1, 3),
    height=sides,
    width=sides,
    gaps=st.tuples(*[st.sampled_from([0, 0, 1, 4, 6])] * 3),
    offsets=st.tuples(*[st.sampled_from([0, 0, 1, 4])] * 3),
    in_place=st.booleans(),
)
def test_any_overlay(kernels, seed, form, count, height, width, gaps, offsets, in_place):
    rng = np.random.default_rng(seed)
    shape = (count, height, width, CHANNELS[form])
    pixels = laid_out(rng, rng.integers(0, 256, shape, np.uint8), gaps[0], offsets[0])
    masks = 255 * rng.integers(0, 2, (count, -(-height // 9), -(-width // 5)), np.uint8)
    masks = laid_out(rng, masks.repeat(9, 1).repeat(5, 2)[:, :height, :width].copy(), gaps[1], offsets[1])
    before = pixels.copy()
    pictures = pixels if in_place else laid_out(rng, np.zeros(shape, np.uint8), gaps[2], offsets[2])
    kernels.overlay(Frames(form, pixels), masks, TINT, pictures)
    for picture, frame, mask in zip(pictures, before, masks, strict=True):
        wanted = by_opencv(frame, mask).astype(int)
        assert np.abs(picture[..., :3] - wanted).max() <= 1
        np.testing.assert_array_equal(picture[mask == 0], frame[mask == 0])
        np.testing.assert_array_equal(picture[..., 3:], frame[..., 3:])
    if not in_place:
        np.testing.assert_array_equal(pixels, before)


def test_the_tint_follows_the_order_of_the_channels(kernels):
    masks = np.full((1, 1, 1), 255, np.uint8)
    for form, wanted in ((PixelFormat.BGR, [10, 20, 30]), (PixelFormat.RGB, [30, 20, 10])):
        pixels = np.zeros((1, 1, 1, 3), np.uint8)
        kernels.overlay(Frames(form, pixels), masks, ((10, 20, 30), 1.0), pixels)
        assert pixels.ravel().tolist() == wanted
