"""Kernels, copies, streams and graphs on the GPU against the CPU's half of the extension; no TensorRT."""

from __future__ import annotations

import gc
import os
from collections import deque
from pathlib import Path

import cv2
import numpy as np
import pytest
from frames import random_view
from gpu.conftest import SIZE
from runners.planes import answer_of, answers, assert_agrees, expected, masks_on_device

from aernet import AernetError
from aernet.cli.timing import measurements
from aernet.runners.tensorrt import TensorRtRunner

FRAMES = 100_000

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("current_context")]


@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize("plane", [0, 1, 2])
def test_any_frame_gives_what_the_cpu_gives(open_copying, plane, graphs):
    runner, _ = open_copying(plane, graphs=graphs)
    rng = np.random.default_rng(plane)
    for _ in range(100):
        height, width = (int(side) for side in rng.integers(1, rng.choice([40, 300, 1500]), 2))
        frame, colour, _ = random_view(rng, height, width)
        (answer,) = answers(runner, [frame], colour)
        assert_agrees(answer, expected(frame, colour, plane, SIZE))


@pytest.mark.parametrize(
    "shape",
    [
        (1080, 1920, 3),
        (2160, 3840, 3),
        (1080, 1920, 4),
        (1080, 1920),
        (255, 4000, 3),
        (4000, 255, 3),
        (1, 1, 3),
    ],
)
def test_sizes(copying, shape):
    frame = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for view in (frame, frame[::-1], frame[:, ::-1]):
        (answer,) = answers(copying, [view])
        assert_agrees(answer, expected(view, "bgr", size=SIZE))


def test_nv12(copying, real_frames):
    picture = cv2.resize(real_frames[0], (1920, 1080), interpolation=cv2.INTER_CUBIC)
    i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    nv12 = i420.copy()
    nv12[1080:] = i420[1080:].reshape(2, -1).T.reshape(540, 1920)  # the chroma side by side
    (answer,) = answers(copying, [nv12], "nv12")
    assert_agrees(answer, expected(cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420), "bgr", size=SIZE))


def test_graphs_and_the_eager_path_give_the_same(open_copying, real_frames):
    captured, runtime = open_copying()
    queued = len(runtime.enqueued)
    first = [answers(captured, [frame])[0] for frame in real_frames]
    assert len(runtime.enqueued) == queued
    eager, runtime = open_copying(graphs=False)
    queued = len(runtime.enqueued)
    second = [answers(eager, [frame])[0] for frame in real_frames]
    assert len(runtime.enqueued) == queued + len(real_frames)
    for (mask, probability), (other_mask, other_probability) in zip(first, second, strict=True):
        np.testing.assert_array_equal(mask, other_mask)
        np.testing.assert_array_equal(probability, other_probability)


def test_masks_that_stay(copying, real_frames):
    masks = masks_on_device(copying, real_frames)
    for mask, (on_host, _) in zip(masks, answers(copying, real_frames), strict=True):
        assert mask.shape == on_host.shape
        np.testing.assert_array_equal(np.asarray(mask), on_host)


def test_a_mask_tints_a_picture(copying, real_frames):
    for frame in real_frames:
        wanted = np.ascontiguousarray(frame)
        (mask,) = masks_on_device(copying, [wanted])
        picture = copying.gpu.wrap(OnDevice(copying.gpu, wanted))
        mask.tint(picture, (80, 255, 80), 0.15)
        on_host = np.asarray(mask)
        tinted = cv2.addWeighted(wanted, 0.85, np.full_like(wanted, (80, 255, 80)), 0.15, 0)
        wanted = cv2.copyTo(tinted, on_host, wanted.copy())
        assert np.abs(np.asarray(picture).astype(int) - wanted).max() <= 1


def test_a_gpu_that_is_not_there(copying):
    with pytest.raises(AernetError, match=r"^cuda:99: .* 'aernet-trt doctor' lists the GPUs"):
        TensorRtRunner(copying.engine, 99)


def test_times_and_floor(copying, real_frames):
    frame = np.ascontiguousarray(real_frames[5])
    measures = measurements(copying)
    for _ in range(3):
        steps, floor = (measure(frame) for measure in measures)
    assert all(0 <= value < 1000 for value in steps.values())
    assert sum(steps.values()) > 0
    assert all(0 < value < 1000 for value in floor.values())


class OnDevice:
    """A copy of a picture in the GPU's memory."""

    def __init__(self, gpu, picture):
        self.memory = gpu.allocate(picture.nbytes)
        self.memory.copy_from(picture)
        data = (self.memory.pointer, False)
        self.__cuda_array_interface__ = {"shape": picture.shape, "typestr": "|u1", "data": data, "version": 3}


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_flat(copying, driver):
    """So many frames of several sizes, on the host and on the GPU, one by one and two at a time."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((240, 320), (200, 400), (301, 203))]
    under_way = deque()

    def run(count):
        for index in range(count // 2):
            frame = frames[index % 3]
            under_way.append(copying.submit([frame], "bgr"))
            if len(under_way) == 2:
                answer_of(under_way.popleft().result()[0])
            if index % 2:
                answers(copying, [frame])
            else:
                masks_on_device(copying, [frame])

    run(2000)
    gc.collect()
    with copying.gpu:
        used, resident = driver.used_memory(), resident_bytes()
        run(FRAMES)
        gc.collect()
        assert driver.used_memory() - used <= 4 << 20
        assert resident_bytes() - resident <= 32 << 20
