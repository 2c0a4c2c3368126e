from __future__ import annotations

import numpy as np
import pytest
from fakes.kernels import CHANNELS, HALF, Frames, PixelFormat, laid_out
from frames import lab_by_opencv, lab_in_double, planes, resized
from hypothesis import given, settings
from hypothesis import strategies as st
from nv12 import CONVERSIONS, picture_of, random_planes
from tolerances import COLOUR, EXACT_COLOUR

import aernet

ROUNDING = {np.float32: 0.0, np.float16: HALF}
SIZES = (1, 2, 5, 31, 32, 33, 64, 100)

sides = st.one_of(st.integers(1, 40), st.integers(1, 500))


def pictures(rng, count, height, width):
    """Noise of any contrast, BGR."""
    return rng.integers(0, rng.integers(1, 257), (count, height, width, 3), np.uint8)


def nv12(rng, count, height, width, gap, offset):
    """Random planes for one of the conversions, and the picture that they hold."""
    conversion = CONVERSIONS[rng.integers(len(CONVERSIONS))]
    lumas, chromas = zip(*(random_planes(rng, height, width) for _ in range(count)), strict=True)
    decoded = [picture_of(*planes, conversion) for planes in zip(lumas, chromas, strict=True)]
    chroma = np.stack(chromas)
    even = 2 * chroma.shape[2]
    both = np.zeros((count, height + chroma.shape[1], even + gap), np.uint8)
    both[:, :height, :width] = lumas
    both[:, height:, :even] = chroma.reshape(count, -1, even)
    memory = laid_out(rng, both, gap, offset)
    return Frames(
        PixelFormat.NV12,
        memory[:, :height, :width, None],
        np.lib.stride_tricks.as_strided(
            memory[:, height:], chroma.shape, (memory.strides[0], memory.strides[1], 2, 1)
        ),
        conversion,
    ), np.stack(decoded)


def frames_of(rng, form, count, height, width, gap=0, offset=0):
    """Random frames in a format and a layout, and the same as plain BGR."""
    if form is PixelFormat.NV12:
        return nv12(rng, count, height, width, gap, offset)
    plain = pictures(rng, count, height, width)
    if form is PixelFormat.GRAY:
        plain = np.repeat(plain[..., :1], 3, 3)
    pixels = plain[..., ::-1] if form in {PixelFormat.RGB, PixelFormat.RGBA} else plain
    if CHANNELS[form] == 4:
        pixels = np.concatenate([pixels, rng.integers(0, 256, (count, height, width, 1), np.uint8)], 3)
    pixels = np.ascontiguousarray(pixels[..., : CHANNELS[form]])
    return Frames(form, laid_out(rng, pixels, gap, offset)), plain


def agrees(kernels, frames, plain, size, element=np.float32):
    """Assert that the kernel gives what the CPU gives, and what OpenCV gives."""
    found = kernels.preprocess(frames, size, element)
    assert found.dtype == element
    for tensor, frame in zip(found.astype(np.float32), plain, strict=True):
        rounding = ROUNDING[element]
        assert np.abs(tensor - aernet.preprocess(frame, size)).max() <= EXACT_COLOUR + rounding
        assert np.abs(tensor - planes(lab_by_opencv(resized(frame, size)))).max() <= COLOUR + rounding


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    form=st.sampled_from(PixelFormat),
    count=st.integers(1, 3),
    height=sides,
    width=sides,
    size=st.sampled_from(SIZES),
    gap=st.sampled_from([0, 0, 1, 2, 3, 4, 17, 64]),
    offset=st.sampled_from([0, 0, 1, 2, 3, 4]),
    element=st.sampled_from([np.float32, np.float16]),
)
def test_any_frames(kernels, seed, form, count, height, width, size, gap, offset, element):
    rng = np.random.default_rng(seed)
    frames, plain = frames_of(rng, form, count, height, width, gap, offset)
    agrees(kernels, frames, plain, size, element)


@pytest.mark.parametrize("form", PixelFormat)
@pytest.mark.parametrize("shape", [(1080, 1920), (1081, 1919)])
def test_full_hd(kernels, form, shape):
    agrees(kernels, *frames_of(np.random.default_rng(1), form, 1, *shape), 256)


@pytest.mark.parametrize("form", [PixelFormat.BGR, PixelFormat.BGRA, PixelFormat.NV12])
def test_4k_takes_several_chunks(kernels, form):
    agrees(kernels, *frames_of(np.random.default_rng(2), form, 1, 2160, 3840), 128)


@pytest.mark.parametrize("form", PixelFormat)
@pytest.mark.parametrize("shape", [(1, 1), (1, 16384), (16384, 1), (16384, 3), (2, 9999)])
@pytest.mark.parametrize("size", [1, 33])
def test_thin_and_long_frames(kernels, form, shape, size):
    agrees(kernels, *frames_of(np.random.default_rng(3), form, 1, *shape), size)


@pytest.mark.parametrize("level", [1, 128, 255])
@pytest.mark.parametrize("shape", [(16384, 40), (40, 16384), (2000, 1500)])
def test_the_mean_of_many_pixels_is_exact(kernels, level, shape):
    plain = np.full((1, *shape, 3), level, np.uint8)
    exact = planes(lab_in_double(np.full((1, 1, 3), level / 255)))
    assert np.abs(kernels.preprocess(Frames(PixelFormat.BGR, plain), 1)[0] - exact).max() <= EXACT_COLOUR


@pytest.mark.parametrize("shape", [(256, 256), (255, 256), (256, 255), (257, 256), (255, 900), (900, 255)])
def test_both_sides_of_the_rule_for_resizing(kernels, shape):
    agrees(kernels, *frames_of(np.random.default_rng(4), PixelFormat.BGR, 1, *shape), 256)


@pytest.mark.parametrize("luma", [0, 15, 16, 17, 128, 235, 236, 255])
@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_every_colour_of_nv12(kernels, conversion, luma):
    levels = np.arange(256, dtype=np.uint8)
    chroma = np.stack(np.meshgrid(levels, levels), -1)
    plane = np.full((512, 512), luma, np.uint8)
    frames = Frames(PixelFormat.NV12, plane[None, ..., None], chroma[None], conversion)
    agrees(kernels, frames, picture_of(plane, chroma, conversion)[None], 512)


@given(st.floats(0, 1, width=32))
def test_rounding_to_half_is_ieees(kernels, value):
    assert kernels.half_and_back(value) == pytest.approx(float(np.float16(value)), abs=2.0**-36)


def test_every_half_is_read_as_it_is(kernels):
    halves = np.arange(0x3C01, dtype=np.uint16).view(np.float16).astype(np.float32)
    assert [kernels.half_and_back(value) for value in halves] == halves.tolist()
