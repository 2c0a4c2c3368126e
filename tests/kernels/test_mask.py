from __future__ import annotations

import cv2
import numpy as np
import pytest
from fakes.kernels import laid_out, memory_of
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import PROBABILITY

import aernet

sides = st.one_of(st.integers(1, 40), st.integers(1, 600))


def blobs(rng, size):
    """A map as a network draws it: wide plateaus near 0 and 1, soft borders."""
    waves = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), 1 + size / 9)
    return 0.5 + 0.5 * np.tanh(waves / (waves.std() + 1e-6) * np.float32(rng.uniform(1, 15)))


def agrees(kernels, probability, height, width, threshold, gap=0, offset=0):
    """Assert that the kernel gives what the CPU gives, and what OpenCV gives, and writes nothing else."""
    rng = np.random.default_rng(0)
    noise = rng.integers(1, 255, (len(probability), height, width), np.uint8)
    masks = laid_out(rng, noise, gap, offset)
    before = memory_of(masks).copy()
    kernels.mask(probability, masks, threshold)
    for mask, numbers in zip(masks, probability.astype(np.float32), strict=True):
        assert np.isin(mask, (0, 255)).all()
        resized = cv2.resize(numbers, (width, height), interpolation=cv2.INTER_LINEAR)
        clear = np.abs(resized - threshold) > PROBABILITY
        np.testing.assert_array_equal((mask == 255)[clear], (resized >= threshold)[clear])
        twin = aernet.mask_from_probability(numbers, height, width, threshold)
        np.testing.assert_array_equal(mask[clear], twin[clear])
    masks[:] = noise
    np.testing.assert_array_equal(memory_of(masks), before)


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 3),
    size=st.sampled_from([1, 2, 3, 17, 64, 256]),
    height=sides,
    width=sides,
    threshold=st.sampled_from([0.5, 0.1, 0.9, 1e-3, 0.999]),
    gap=st.sampled_from([0, 0, 1, 7, 8, 16]),
    offset=st.sampled_from([0, 0, 1, 4, 8, 15]),
    element=st.sampled_from([np.float32, np.float16]),
    noisy=st.booleans(),
)
def test_any_masks(kernels, seed, count, size, height, width, threshold, gap, offset, element, noisy):
    rng = np.random.default_rng(seed)
    maps = [rng.random((size, size), np.float32) if noisy else blobs(rng, size) for _ in range(count)]
    agrees(kernels, np.stack(maps).astype(element), height, width, threshold, gap, offset)


@pytest.mark.parametrize("shape", [(1080, 1920), (1081, 1919), (17, 16384), (16384, 17), (1, 1)])
@pytest.mark.parametrize("element", [np.float32, np.float16])
def test_shapes(kernels, shape, element):
    agrees(kernels, blobs(np.random.default_rng(1), 256)[None].astype(element), *shape, 0.5)


@pytest.mark.parametrize("element", [np.float32, np.float16])
def test_the_threshold_itself_is_lesion(kernels, element):
    masks = np.zeros((1, 33, 44), np.uint8)
    kernels.mask(np.full((1, 5, 5), 0.5, element), masks, 0.5)
    assert (masks == 255).all()


def test_a_threshold_is_met_at_the_centre_of_its_pixel(kernels):
    probability = np.zeros((1, 4, 4), np.float32)
    probability[0, 1, 2] = 1
    masks = np.zeros((1, 12, 12), np.uint8)
    kernels.mask(probability, masks, 0.99)
    assert np.argwhere(masks[0]).tolist() == [[4, 7]]


@pytest.mark.parametrize("element", [np.float32, np.float16])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_no_probability_is_background(kernels, element, value):
    masks = np.ones((1, 33, 44), np.uint8)
    kernels.mask(np.full((1, 8, 8), value, element), masks, 0.5)
    assert not masks.any()
    probability = np.ones((1, 8, 8), element)
    probability[0, 3, 3] = np.nan
    kernels.mask(probability, masks, 0.5)
    assert not masks[0, 14:15, 17:22].any()
    assert masks[0, :8].all()
