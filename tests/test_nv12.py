from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from nv12 import CONVERSIONS, assert_rounds, levels_of, padded, picture_of, random_planes

import aernet

if TYPE_CHECKING:
    from nv12 import Bytes, Conversion

    from aernet.nv12 import Matrix


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 5), (90, 128), (91, 127), (1081, 1919)])
@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_any_conversion(conversion: Conversion, shape: tuple[int, int]) -> None:
    luma, chroma = random_planes(np.random.default_rng(0), *shape)
    frame = aernet.Nv12Frame(padded(luma, 5), padded(chroma, 3), *conversion)
    assert frame.shape == shape
    decoded = frame.to_bgr()
    assert_rounds(decoded, levels_of(luma, chroma, conversion))
    for size in (32, 64):
        np.testing.assert_allclose(
            aernet.preprocess(frame, size), aernet.preprocess(decoded, size), atol=1e-6
        )


@pytest.mark.parametrize("luma", [0, 15, 16, 17, 128, 235, 236, 255])
@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_every_chroma(conversion: Conversion, luma: int) -> None:
    levels = np.arange(256, dtype=np.uint8)
    chroma = np.stack(np.meshgrid(levels, levels), -1)
    plane = np.full((512, 512), luma, np.uint8)
    assert picture_of(plane, chroma, conversion).shape == (512, 512, 3)


def test_either_shape_of_the_chroma() -> None:
    luma, chroma = random_planes(np.random.default_rng(1), 31, 33)
    frames = [aernet.Nv12Frame(luma, plane) for plane in (chroma, chroma.reshape(16, 34))]
    np.testing.assert_array_equal(frames[0].to_bgr(), frames[1].to_bgr())


def test_planes_of_one_array_are_what_the_array_is() -> None:
    array = np.random.default_rng(2).integers(0, 256, (120, 90), np.uint8)
    frame = aernet.Nv12Frame(array[:80], array[80:])
    np.testing.assert_array_equal(frame.to_bgr(), cv2.cvtColor(array, cv2.COLOR_YUV2BGR_NV12))
    np.testing.assert_array_equal(aernet.preprocess(frame), aernet.preprocess(array, colour="nv12"))
    flipped = aernet.Nv12Frame(array[79::-1], array[:79:-1])
    np.testing.assert_array_equal(flipped.to_bgr(), frame.to_bgr()[::-1])


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_ffmpeg_sees_nearly_the_same(conversion: Conversion) -> None:
    """It interpolates the chroma, so that only areas of one colour can be compared."""
    av = pytest.importorskip("av")
    rng = np.random.default_rng(3)
    luma = rng.integers(16, 236, (8, 8), np.uint8).repeat(16, 0).repeat(16, 1)
    chroma = rng.integers(16, 241, (8, 8, 2), np.uint8).repeat(8, 0).repeat(8, 1)
    whole = np.vstack([luma, chroma.reshape(64, 128)])
    matrix, full_range = conversion
    reformatted = av.VideoFrame.from_ndarray(whole, "nv12").reformat(
        format="bgr24",
        src_colorspace={"bt601": "ITU601", "bt709": "ITU709"}[matrix],
        src_color_range="JPEG" if full_range else "MPEG",
        dst_color_range="JPEG",
    )
    ours, theirs = aernet.Nv12Frame(luma, chroma, *conversion).to_bgr(), reformatted.to_ndarray()
    middle = np.abs(ours.astype(int) - theirs).reshape(8, 16, 8, 16, 3)[:, 4:12, :, 4:12]
    assert middle.max() <= 3


LUMA = np.zeros((4, 6), np.uint8)
CHROMA = np.zeros((2, 6), np.uint8)


@pytest.mark.parametrize(
    ("luma", "chroma", "matrix", "message"),
    [
        (LUMA[None], CHROMA, "bt601", "frame: expected luma of H x W, found 1 x 4 x 6"),
        (LUMA, CHROMA[:1], "bt601", "expected chroma of 2 x 6 or 2 x 3 x 2 for luma of 4 x 6, found 1 x 6"),
        (LUMA[:, :5], CHROMA[:, :5], "bt601", "expected chroma of 2 x 6 or 2 x 3 x 2 for luma of 4 x 5"),
        (LUMA[:0], CHROMA, "bt601", "frame height: expected 1 to 16384 pixels, found 0"),
        (LUMA[:, ::2], CHROMA[:, :4], "bt601", "rows have no gaps between their bytes"),
        (LUMA, np.zeros((2, 2, 3), np.uint8).transpose(0, 2, 1), "bt601", "rows have no gaps"),
        (
            LUMA.astype(np.uint16),
            CHROMA,
            "bt601",
            "frame luma: expected a NumPy array of uint8, found uint16",
        ),
        (LUMA, CHROMA.astype(float), "bt601", "frame chroma: expected a NumPy array of uint8, found float64"),
        (LUMA, [0], "bt601", "frame: expected both planes as NumPy arrays or both in a GPU's memory"),
        (LUMA, CHROMA, "bt2020", "frame: expected the matrix 'bt601' or 'bt709', found 'bt2020'"),
    ],
)
def test_what_is_no_frame(luma: Bytes, chroma: Bytes, matrix: Matrix, message: str) -> None:
    with pytest.raises(aernet.FrameError, match=re.escape(message)) as caught:
        aernet.Nv12Frame(luma, chroma, matrix)
    assert "\n" not in str(caught.value)
