"""What every runner gives: one body for the CPU, the fake CUDA runtime, and a GPU where there is one."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from frames import random_view
from gpu.driver import require_driver
from nv12 import CONVERSIONS, padded, picture_of, random_planes
from runners.planes import answer_of, answers, assert_agrees, expected, open_plane_engine, write_plane_model

import aernet.runners.tensorrt
from aernet import FrameError, Nv12Frame
from aernet.runners.onnxruntime import OnnxRuntimeRunner

SIZE = 64


@pytest.fixture(params=["cpu", "fake CUDA", pytest.param("gpu", marks=pytest.mark.gpu)])
def open_plane(request, tmp_path, monkeypatch):
    """Open a runner on the device whose network gives a plane of its input."""

    def on_cpu(plane=0, **_):
        return OnnxRuntimeRunner(write_plane_model(tmp_path / "plane.onnx", plane, SIZE))

    def on_gpu(plane=0, **options):
        return open_plane_engine(monkeypatch, tmp_path, gpu, plane, SIZE, **options)[0]

    if request.param == "cpu":
        return on_cpu
    if request.param == "gpu":
        gpu = require_driver()
    else:
        gpu = request.getfixturevalue("fake_native")
        gpu.set(gpu.Settings())
        monkeypatch.setattr(aernet.runners.tensorrt, "_native", gpu)
    return on_gpu


@pytest.fixture
def runner(open_plane):
    return open_plane()


@pytest.fixture(scope="module")
def pictures():
    """Of several sizes, and as views."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (*sides, 3), np.uint8) for sides in ((90, 128), (64, 64), (31, 217))]
    return [*frames, frames[0][::-1], frames[0][4:-3, 11:-7], frames[2][..., ::-1]]


@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize("plane", [0, 1, 2])
def test_any_frame_gives_what_the_extension_gives(open_plane, plane, graphs):
    runner = open_plane(plane, graphs=graphs)
    rng = np.random.default_rng(plane)
    for _ in range(20):
        height, width = (int(side) for side in rng.integers(1, rng.choice([40, 300]), 2))
        frame, colour, _ = random_view(rng, height, width)
        (answer,) = answers(runner, [frame], colour)
        assert_agrees(answer, expected(frame, colour, plane))


@pytest.mark.parametrize(
    "shape",
    [(1080, 1920, 3), (1080, 1920, 4), (1080, 1920), (255, 2000, 3), (2000, 255, 3), (1, 1, 3)],
)
def test_sizes(runner, shape):
    frame = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for view in (frame, frame[::-1], frame[:, ::-1]):
        (answer,) = answers(runner, [view])
        assert_agrees(answer, expected(view, "bgr"))


def test_nv12(runner):
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (160, 220, 3), np.uint8), (0, 0), 5)
    i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    nv12 = i420.copy()
    nv12[160:] = i420[160:].reshape(2, -1).T.reshape(80, 220)  # the chroma side by side
    (answer,) = answers(runner, [nv12], "nv12")
    assert_agrees(answer, expected(cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420), "bgr"))


@pytest.mark.parametrize("conversion", CONVERSIONS)
@pytest.mark.parametrize("shape", [(1, 1), (91, 127), (160, 220), (1080, 1918)])
def test_two_planes(open_plane, shape, conversion):
    runner = open_plane(1)
    luma, chroma = random_planes(np.random.default_rng(0), *shape)
    flat = chroma.reshape(len(chroma), -1)
    wanted = expected(picture_of(luma, chroma, conversion), "bgr", 1)
    for planes in ((luma, chroma), (padded(luma, 5), padded(flat, 3))):
        frame = Nv12Frame(*planes, *conversion)
        (prediction,) = runner.predict([frame], "bgr")
        assert prediction.frame is frame
        assert_agrees(answer_of(prediction), wanted)


def test_two_planes_upside_down(runner):
    luma, chroma = random_planes(np.random.default_rng(1), 90, 128)
    (answer,) = answers(runner, [Nv12Frame(luma[::-1], chroma[::-1])])
    assert_agrees(answer, expected(picture_of(luma, chroma, ("bt601", False))[::-1], "bgr"))


def test_a_prediction_gives_masks_of_any_size(runner, pictures):
    (prediction,) = runner.predict(pictures[:1], "bgr")
    assert prediction.frame is pictures[0]
    probability = prediction.to_host()
    np.testing.assert_array_equal(prediction.probability, probability)
    wanted = expected(pictures[0], "bgr")[1]
    for height, width, threshold in ((90, 128, 0.4), (7, 300, 0.3), (1, 1, 0.5)):
        mask = np.asarray(prediction.mask(height, width, threshold))
        between = cv2.resize(wanted, (width, height), interpolation=cv2.INTER_LINEAR)
        decided = np.abs(between - threshold) > 2e-3
        np.testing.assert_array_equal(mask[decided], (between >= threshold)[decided] * np.uint8(255))
    with pytest.raises(FrameError, match=r"^mask height: expected 1 to 16384 pixels, found 0"):
        prediction.mask(0, 5, 0.5)
    with pytest.raises(FrameError, match=r"^threshold: expected a number between 0 and 1, both excluded"):
        prediction.mask(5, 5, 1.0)


def test_batches(open_plane, pictures):
    runner = open_plane(batch=(1, 2, 4))
    for count in (0, 1, 3, 4, 5, len(pictures)):
        given = answers(runner, pictures[:count])
        for answer, frame in zip(given, pictures[:count], strict=True):
            assert_agrees(answer, expected(frame, "bgr"))


def test_threads(runner, pictures):
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda frame: answers(runner, [frame])[0], pictures * 5))
    for index, answer in enumerate(given):
        assert_agrees(answer, expected(pictures[index % len(pictures)], "bgr"))


def test_two_frames_under_way(runner, pictures):
    under_way, given = deque(), []
    for frame in pictures * 3:
        under_way.append(runner.submit([frame], "bgr"))
        if len(under_way) == 2:
            given.append(answer_of(under_way.popleft().result()[0]))
    given.append(answer_of(under_way.popleft().result()[0]))
    for index, answer in enumerate(given):
        assert_agrees(answer, expected(pictures[index % len(pictures)], "bgr"))


def test_results_stay_what_they_are(runner, pictures):
    held = [answers(runner, [frame])[0] for frame in pictures * 4]
    kept = [(mask.copy(), probability.copy()) for mask, probability in held]
    for frame in reversed(pictures):
        answers(runner, [frame])
    for (mask, probability), (mask_then, probability_then) in zip(held, kept, strict=True):
        np.testing.assert_array_equal(mask, mask_then)
        np.testing.assert_array_equal(probability, probability_then)
        assert mask.flags.writeable


def test_a_prediction_stays_when_its_runner_goes_on(runner, pictures):
    predictions = [runner.predict([frame], "bgr")[0] for frame in pictures * 3]
    for index, prediction in reversed(list(enumerate(predictions))):
        assert_agrees(answer_of(prediction), expected(pictures[index % len(pictures)], "bgr"))


def test_a_bad_frame_is_numbered_and_does_no_harm(runner, pictures):
    good = pictures[0]
    with pytest.raises(FrameError, match=r"^frames\[1\]: frame: expected H x W x 3"):
        runner.predict([good, good[..., :2]], "bgr")
    with pytest.raises(
        FrameError, match=r"^frames\[2\]: frame: expected a NumPy array of uint8, found float"
    ):
        runner.submit([good, good, good.astype(float)], "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected .* found list"):
        runner.predict([[1]], "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected NV12, uint8, \(H \* 3 / 2\) x W with even sides"):
        runner.predict([good], "nv12")
    (answer,) = answers(runner, [good])
    assert_agrees(answer, expected(good, "bgr"))
