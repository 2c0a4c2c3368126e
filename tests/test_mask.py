from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tolerances import PROBABILITY

import aernet
from aernet._native import get_num_threads

Map = npt.NDArray[np.float32]


def blobs(rng: np.random.Generator, height: int, width: int) -> Map:
    """A map as a network draws it: wide plateaus near 0 and 1, soft borders."""
    waves = cv2.GaussianBlur(
        rng.standard_normal((height, width)).astype(np.float32), (0, 0), 1 + min(height, width) / 9
    )
    return 0.5 + 0.5 * np.tanh(waves / (waves.std() + 1e-6) * np.float32(rng.uniform(1, 15)))


def agrees(probability: Map, height: int, width: int, threshold: float) -> None:
    """Assert the mask contract."""
    mask = aernet.mask_from_probability(probability, height, width, threshold)
    assert mask.dtype == np.uint8
    assert mask.shape == (height, width)
    assert np.isin(mask, (0, 255)).all()
    resized = cv2.resize(np.ascontiguousarray(probability), (width, height), interpolation=cv2.INTER_LINEAR)
    clear = np.abs(resized - threshold) > PROBABILITY
    np.testing.assert_array_equal((mask == 255)[clear], (resized >= threshold)[clear])


@pytest.mark.parametrize("seed", range(120))
def test_random_maps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    map_height, map_width = (256, 256) if seed % 2 else (int(side) for side in rng.integers(1, 300, 2))
    height, width = (int(side) for side in rng.integers(1, 1200, 2))
    probability = (
        rng.random((map_height, map_width), np.float32) if seed % 3 else blobs(rng, map_height, map_width)
    )
    threshold = float(rng.choice([0.5, 0.1, 0.9, rng.uniform(0.01, 0.99)]))
    agrees(probability, height, width, threshold)


@pytest.mark.parametrize(
    "shape", [(1080, 1920), (256, 256), (128, 128), (1, 1), (1, 3000), (3000, 1), (17, 16384)]
)
@pytest.mark.parametrize("kind", ["noise", "blobs"])
def test_shapes(shape: tuple[int, int], kind: str) -> None:
    rng = np.random.default_rng(1)
    agrees(rng.random((256, 256), np.float32) if kind == "noise" else blobs(rng, 256, 256), *shape, 0.5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 256), (256, 1), (2, 2), (3, 9)])
def test_small_maps(shape: tuple[int, int]) -> None:
    agrees(np.random.default_rng(2).random(shape, np.float32), 301, 299, 0.5)


@pytest.mark.parametrize("threshold", [1e-9, 1e-3, 0.02, 0.98, 0.999, 1 - 1e-9])
def test_thresholds_near_the_ends(threshold: float) -> None:
    rng = np.random.default_rng(3)
    agrees(rng.choice(np.array([0, 1], np.float32), (64, 64)), 500, 333, threshold)
    agrees(blobs(rng, 256, 256), 500, 333, threshold)


def test_the_threshold_itself_is_lesion() -> None:
    assert (aernet.mask_from_probability(np.full((5, 5), 0.5, np.float32), 33, 44, 0.5) == 255).all()


def test_a_threshold_is_met_at_the_centre_of_its_pixel() -> None:
    probability = np.zeros((4, 4), np.float32)
    probability[1, 2] = 1
    mask = aernet.mask_from_probability(probability, 12, 12, 0.99)
    assert np.argwhere(mask).tolist() == [[4, 7]]


@pytest.mark.parametrize("view", ["transposed", "flipped", "stepped", "broadcast", "unaligned", "read-only"])
def test_any_strides(view: str) -> None:
    rng = np.random.default_rng(4)
    whole = rng.random((90, 70), np.float32)
    padded = np.zeros(whole.nbytes + 1, np.uint8)
    unaligned = padded[1:].view(np.float32).reshape(whole.shape)
    unaligned[:] = whole
    fixed = whole.copy()
    fixed.flags.writeable = False
    views = {
        "transposed": whole.T,
        "flipped": whole[::-1, ::-1],
        "stepped": whole[5:80:3, 60:3:-2],
        "broadcast": np.broadcast_to(whole[3], (50, 70)),
        "unaligned": unaligned,
        "read-only": fixed,
    }
    np.testing.assert_array_equal(
        aernet.mask_from_probability(views[view], 401, 303),
        aernet.mask_from_probability(views[view].copy(), 401, 303),
    )
    agrees(views[view], 401, 303, 0.5)


@pytest.mark.parametrize("kind", ["noise", "blobs"])
def test_threads_change_nothing(kind: str) -> None:
    rng = np.random.default_rng(5)
    probability = rng.random((256, 256), np.float32) if kind == "noise" else blobs(rng, 256, 256)
    count = get_num_threads()
    try:
        aernet.set_num_threads(1)
        alone = aernet.mask_from_probability(probability, 4001, 6001)
        aernet.set_num_threads(5)
        np.testing.assert_array_equal(aernet.mask_from_probability(probability, 4001, 6001), alone)
    finally:
        aernet.set_num_threads(count)


def test_several_callers_at_once() -> None:
    rng = np.random.default_rng(6)
    jobs = [(blobs(rng, 256, 256), 300 + 91 * index, 1300 - 77 * index) for index in range(6)]
    expected = [aernet.mask_from_probability(*job) for job in jobs] * 8
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(
            pool.map(lambda job: aernet.mask_from_probability(*job), jobs * 8), expected, strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.01, 1.0000001])
def test_not_probabilities(value: float) -> None:
    probability = np.full((20, 30), 0.5, np.float32)
    probability[7, 11] = value
    with pytest.raises(
        aernet.FrameError, match=r"expected values within \[0, 1\], found .* at row 7, column 11"
    ):
        aernet.mask_from_probability(probability, 40, 50)


@pytest.mark.parametrize(
    ("probability", "message"),
    [
        (
            np.zeros((4, 4)),
            "probability: expected a NumPy array of float32, found float64; convert it to float32 first",
        ),
        (np.zeros((4, 4), np.float16), "probability: expected a NumPy array of float32, found float16"),
        (np.zeros((4, 4), ">f4"), "probability: expected a NumPy array of float32, found >f4"),
        (np.zeros((4, 4), np.uint8), "probability: expected a NumPy array of float32, found uint8"),
        ([[0.5]], "probability: expected a NumPy array of float32, found list"),
        (np.zeros((1, 4, 4), np.float32), "probability: expected H x W, found 1 x 4 x 4"),
        (np.zeros(4, np.float32), "probability: expected H x W, found 4"),
        (np.zeros((0, 4), np.float32), "probability height: expected 1 to 16384 pixels, found 0"),
        (np.zeros((4, 0), np.float32), "probability width: expected 1 to 16384 pixels, found 0"),
    ],
)
def test_not_a_map(probability: object, message: str) -> None:
    with pytest.raises(aernet.FrameError, match=re.escape(message)) as caught:
        aernet.mask_from_probability(probability, 9, 9)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [0, -5, 16385])
def test_sides_out_of_range(side: int) -> None:
    probability = np.zeros((4, 4), np.float32)
    with pytest.raises(aernet.FrameError, match=f"mask height: expected 1 to 16384 pixels, found {side}"):
        aernet.mask_from_probability(probability, side, 9)
    with pytest.raises(aernet.FrameError, match=f"mask width: expected 1 to 16384 pixels, found {side}"):
        aernet.mask_from_probability(probability, 9, side)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, 1.5, float("nan"), float("inf")])
def test_threshold_out_of_range(threshold: float) -> None:
    with pytest.raises(aernet.FrameError, match=rf"threshold: expected .* found {threshold}"):
        aernet.mask_from_probability(np.zeros((4, 4), np.float32), 9, 9, threshold)
