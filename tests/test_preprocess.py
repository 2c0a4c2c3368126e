from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from frames import Frame, lab_by_opencv, lab_by_yardstick, lab_in_double, planes, random_view, resized
from hypothesis import given
from hypothesis import strategies as st
from tolerances import COLOUR, EXACT_COLOUR, YARDSTICK, YARDSTICK_ITSELF

import aernet
from aernet._native import get_num_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.jpg"))


@pytest.fixture
def threads() -> Iterator[None]:
    """Leave the number of threads as it was."""
    count = get_num_threads()
    yield
    aernet.set_num_threads(count)


def noise(height: int, width: int, seed: int = 0, levels: int = 256) -> Frame:
    return np.random.default_rng(seed).integers(0, levels, (height, width, 3), np.uint8)


def agrees(tensor: npt.NDArray[np.float32], frame: Frame) -> None:
    """Assert the colour contract on what `preprocess` made of a plain BGR frame."""
    size = tensor.shape[1]
    assert tensor.dtype == np.float32
    assert tensor.shape == (3, size, size)
    srgb = resized(frame, size)
    exact = planes(lab_in_double(srgb))
    assert np.abs(tensor - exact).max() <= EXACT_COLOUR
    assert np.abs(tensor - planes(lab_by_opencv(srgb))).max() <= COLOUR
    yardstick = planes(lab_by_yardstick(srgb))
    own_error = np.abs(yardstick - exact)
    assert own_error.max() <= YARDSTICK_ITSELF
    assert (np.abs(tensor - yardstick) <= np.maximum(YARDSTICK, own_error + EXACT_COLOUR)).all()


@pytest.mark.parametrize("seed", range(240))
def test_random_frames(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 700, 2) if seed % 2 else rng.integers(200, 330, 2)
    frame, colour, plain = random_view(rng, int(height), int(width))
    agrees(aernet.preprocess(frame, colour=colour), plain)


@given(
    st.tuples(*(st.slices(size) for size in (37, 41))),
    st.permutations([0, 1]),
    st.sampled_from([1, 3, 8, 29]),
    st.sampled_from(["bgr", "rgb"]),
)
def test_a_view_is_read_like_its_copy(
    slices: tuple[slice, slice], axes: list[int], size: int, colour: str
) -> None:
    view = noise(37, 41)[slices].transpose(*axes, 2)
    if view.size == 0:
        with pytest.raises(aernet.FrameError, match="found 0"):
            aernet.preprocess(view, size, colour)
    else:
        copy = np.ascontiguousarray(view)
        np.testing.assert_array_equal(
            aernet.preprocess(view, size, colour), aernet.preprocess(copy, size, colour)
        )


def test_corners_of_the_srgb_cube() -> None:
    corners = np.array([[255 * (index >> bit & 1) for bit in range(3)] for index in range(8)], np.uint8)
    frame = np.broadcast_to(corners, (8, 8, 3))
    agrees(aernet.preprocess(frame, 8), frame)


def test_grays_have_no_colour() -> None:
    frame = np.arange(256, dtype=np.uint8).reshape(16, 16)
    lab = aernet.preprocess(frame, 16)
    agrees(lab, np.repeat(frame[..., None], 3, 2))
    np.testing.assert_allclose(lab[1:], 128 / 255, atol=1e-6)
    assert (np.diff(lab[0].ravel()) > 0).all()
    assert lab[0, 0, 0] == pytest.approx(0, abs=1e-6)
    assert lab[0, -1, -1] == pytest.approx(1, abs=1e-6)


def test_colours_all_over_the_cube() -> None:
    levels = np.linspace(0, 255, 64).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(512, 512, 3)
    agrees(aernet.preprocess(cube, 512), cube)


@pytest.mark.parametrize("shape", [(600, 700), (90, 120), (700, 90)])
@pytest.mark.parametrize("axis", [0, 1])
def test_gradients(shape: tuple[int, int], axis: int) -> None:
    ramp = np.linspace(0, 255, shape[axis]).astype(np.uint8)
    gray = np.broadcast_to(ramp[:, None] if axis == 0 else ramp, shape)
    frame = np.stack([gray, 255 - gray, gray // 2], -1)
    agrees(aernet.preprocess(frame), frame)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_real_pictures(path: Path) -> None:
    picture = cv2.imread(str(path))
    agrees(aernet.preprocess(picture), picture)
    agrees(aernet.preprocess(picture[..., ::-1], colour="rgb"), picture)
    small = cv2.resize(picture, (200, 150))
    agrees(aernet.preprocess(small), small)


def test_there_are_real_pictures() -> None:
    assert EXAMPLES


@pytest.mark.parametrize(
    "shape", [(256, 256), (255, 256), (256, 255), (257, 256), (256, 257), (255, 900), (900, 255), (256, 900)]
)
def test_both_sides_of_the_rule_for_resizing(shape: tuple[int, int]) -> None:
    frame = noise(*shape)
    agrees(aernet.preprocess(frame), frame)


@pytest.mark.parametrize("shape", [(1, 1), (1, 16384), (16384, 1), (2, 9999), (300, 16384), (16383, 257)])
def test_thin_and_long_frames(shape: tuple[int, int]) -> None:
    frame = noise(*shape)
    agrees(aernet.preprocess(frame), frame)


@pytest.mark.parametrize("size", [1, 2, 7, 224, 300])
@pytest.mark.parametrize("shape", [(301, 447), (5, 600), (6, 6)])
def test_sizes(size: int, shape: tuple[int, int]) -> None:
    frame = noise(*shape)
    agrees(aernet.preprocess(frame, size), frame)


def test_the_mean_of_many_rows_does_not_overflow() -> None:
    frame = np.full((16384, 3, 3), 255, np.uint8)
    np.testing.assert_allclose(
        aernet.preprocess(frame, 1).ravel(), [1, 128 / 255, 128 / 255], atol=EXACT_COLOUR
    )


def test_the_fourth_channel_is_ignored() -> None:
    frame = np.dstack([noise(301, 299), np.zeros((301, 299), np.uint8)])
    plain = aernet.preprocess(np.ascontiguousarray(frame[..., :3]))
    np.testing.assert_array_equal(aernet.preprocess(frame), plain)
    frame[..., 3] = 255
    np.testing.assert_array_equal(aernet.preprocess(frame), plain)
    np.testing.assert_array_equal(aernet.preprocess(frame[..., :3]), plain)


def test_gray_is_three_equal_channels() -> None:
    gray = noise(301, 299)[..., 0]
    expected = aernet.preprocess(np.repeat(gray[..., None], 3, 2))
    np.testing.assert_array_equal(aernet.preprocess(gray), expected)
    np.testing.assert_array_equal(aernet.preprocess(gray[..., None]), expected)


@pytest.mark.parametrize("shape", [(2, 2), (300, 402), (1080, 1920), (2, 16384), (40, 30), (720, 100)])
def test_nv12_is_what_opencv_decodes(shape: tuple[int, int]) -> None:
    height, width = shape
    nv12 = np.random.default_rng(7).integers(0, 256, (height * 3 // 2, width), np.uint8)
    plain = cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12).astype(np.uint8, copy=False)
    tensor = aernet.preprocess(nv12, colour="nv12")
    agrees(tensor, plain)
    np.testing.assert_allclose(tensor, aernet.preprocess(plain), atol=1e-6)
    stepped = np.zeros((2 * nv12.shape[0], 3 * width), np.uint8)[::-2, ::3]
    stepped[:] = nv12
    np.testing.assert_array_equal(aernet.preprocess(stepped, colour="nv12"), tensor)


@pytest.mark.parametrize("luma", [0, 15, 16, 17, 128, 235, 236, 255])
def test_every_colour_of_nv12_is_opencvs(luma: int) -> None:
    levels = np.arange(256, dtype=np.uint8)
    chroma = np.stack(np.meshgrid(levels, levels), -1).reshape(256, 512)
    nv12 = np.concatenate([np.full((512, 512), luma, np.uint8), chroma])
    plain = cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12).astype(np.uint8, copy=False)
    np.testing.assert_allclose(aernet.preprocess(nv12, 512, "nv12"), aernet.preprocess(plain, 512), atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (3, 3), (3, 4, 1), (9,), (0, 4), (32769, 2)])
def test_what_is_no_nv12(shape: tuple[int, ...]) -> None:
    with pytest.raises(aernet.FrameError, match=r"^frame.*: expected"):
        aernet.preprocess(np.zeros(shape, np.uint8), colour="nv12")


def test_the_frame_is_left_alone() -> None:
    frame = noise(300, 400)
    before = frame.copy()
    frame.flags.writeable = False
    aernet.preprocess(frame)
    np.testing.assert_array_equal(frame, before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("shape", [(1080, 1920), (1081, 1919), (100, 16384), (16384, 300)])
def test_threads_change_nothing(shape: tuple[int, int]) -> None:
    frame = noise(*shape)
    for view in (frame, frame[:, ::-1]):
        aernet.set_num_threads(1)
        alone = aernet.preprocess(view)
        aernet.set_num_threads(7)
        np.testing.assert_array_equal(aernet.preprocess(view), alone)


def test_several_callers_at_once() -> None:
    frames = [noise(300 + 131 * seed, 900 - 77 * seed, seed) for seed in range(6)] * 8
    expected = [aernet.preprocess(frame) for frame in frames[:6]] * 8
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(aernet.preprocess, frames), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_out_is_filled_and_returned() -> None:
    out = np.full((3, 64, 64), np.nan, np.float32)
    for seed in range(2):
        frame = noise(200, 150, seed)
        assert aernet.preprocess(frame, 64, out=out) is out
        np.testing.assert_array_equal(out, aernet.preprocess(frame, 64))


def test_out_may_be_part_of_a_batch() -> None:
    batch = np.zeros((3, 3, 64, 64), np.float32)
    frame = noise(200, 150)
    aernet.preprocess(frame, 64, out=batch[1])
    np.testing.assert_array_equal(batch[1], aernet.preprocess(frame, 64))
    assert not batch[[0, 2]].any()


def read_only(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((3, 8, 8)), "out: expected a NumPy array of float32, found float64"),
        (
            np.zeros((8, 8, 3), np.float32),
            "out: expected a writeable C-contiguous array of 3 x 8 x 8, found 8 x 8 x 3",
        ),
        (np.zeros((3, 8, 9), np.float32), "found 3 x 8 x 9"),
        (np.zeros((1, 3, 8, 8), np.float32), "found 1 x 3 x 8 x 8"),
        (np.zeros((8, 8, 3), np.float32).transpose(2, 0, 1), "found 3 x 8 x 8, not contiguous"),
        (read_only(np.zeros((3, 8, 8), np.float32)), "found a read-only one of 3 x 8 x 8"),
        (
            np.zeros(3 * 8 * 8 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(3, 8, 8),
            "3 x 8 x 8, not aligned",
        ),
        ([0.0], "out: expected a NumPy array of float32, found list"),
    ],
)
def test_out_that_does_not_fit(out: object, message: str) -> None:
    with pytest.raises(aernet.FrameError, match=re.escape(message)):
        aernet.preprocess(noise(9, 9), 8, out=out)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            np.zeros((9, 9, 3)),
            "frame: expected a NumPy array of uint8, found float64; convert it to uint8 first",
        ),
        (np.zeros((9, 9, 3), np.float32), "frame: expected a NumPy array of uint8, found float32"),
        (np.zeros((9, 9, 3), np.uint16), "frame: expected a NumPy array of uint8, found uint16"),
        (np.zeros((9, 9, 3), np.int8), "frame: expected a NumPy array of uint8, found int8"),
        (np.zeros((9, 9, 3), bool), "frame: expected a NumPy array of uint8, found bool"),
        (None, "frame: expected a NumPy array of uint8, found NoneType"),
        ([[0]], "frame: expected a NumPy array of uint8, found list"),
        (np.zeros((9, 9, 2), np.uint8), "or H x W (gray), found 9 x 9 x 2"),
        (np.zeros((9, 9, 5), np.uint8), "or H x W (gray), found 9 x 9 x 5"),
        (np.zeros((9, 9, 0), np.uint8), "or H x W (gray), found 9 x 9 x 0"),
        (np.zeros(9, np.uint8), "or H x W (gray), found 9"),
        (np.zeros((), np.uint8), "or H x W (gray), found a single number"),
        (np.zeros((1, 9, 9, 3), np.uint8), "or H x W (gray), found 1 x 9 x 9 x 3"),
        (np.zeros((0, 9, 3), np.uint8), "frame height: expected 1 to 16384 pixels, found 0"),
        (np.zeros((9, 0), np.uint8), "frame width: expected 1 to 16384 pixels, found 0"),
        (np.zeros((1, 16385, 3), np.uint8), "frame width: expected 1 to 16384 pixels, found 16385"),
    ],
)
def test_not_a_frame(frame: object, message: str) -> None:
    with pytest.raises(aernet.FrameError, match=re.escape(message)) as caught:
        aernet.preprocess(frame)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, -1, 16385])
def test_size_out_of_range(size: int) -> None:
    with pytest.raises(aernet.FrameError, match=f"size: expected 1 to 16384 pixels, found {size}"):
        aernet.preprocess(noise(9, 9), size)


def test_unknown_colour() -> None:
    with pytest.raises(aernet.FrameError, match="colour: expected 'bgr', 'rgb' or 'nv12', found 'hsv'"):
        aernet.preprocess(noise(9, 9), colour="hsv")


@pytest.mark.usefixtures("threads")
def test_number_of_threads() -> None:
    aernet.set_num_threads(3)
    assert get_num_threads() == 3
    with pytest.raises(ValueError, match="number of threads: expected 1 or more, found 0"):
        aernet.set_num_threads(0)
    assert get_num_threads() == 3
