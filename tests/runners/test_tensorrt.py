"""The TensorRT runner and the whole device layer over the fake CUDA runtime and a fake TensorRT."""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from engine.models import write_crafted, write_network
from fakes.arrays import CudaArray, DlpackArray
from fakes.tensorrt import SIZE, VERSION, DarkNetwork, FakeTensorRt
from frames import random_view
from nv12 import CONVERSIONS, picture_of, random_planes
from runners.planes import answer_of, masks_on_device
from typer.testing import CliRunner

import aernet.runners.choice
import aernet.runners.comparison
import aernet.runners.tensorrt
import aernet.segmenter
from aernet import AernetError, EngineError, FrameError, Nv12Frame, Segmentation, Segmenter, SourceError
from aernet.cli.app import app
from aernet.cli.timing import measurements
from aernet.engine.gpu import Gpu
from aernet.engine.manifest import load_manifest
from aernet.runners.choice import Choice
from aernet.runners.comparison import compare_with_model
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.tensorrt import TensorRtRunner
from aernet.runners.warn_once import warn_once

THRESHOLD = 0.5
STEEPEST = 5  # of the model: 20 / 4
COLOUR = 5e-4  # of kernels from the CPU's, with room for float16


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return write_network(tmp_path_factory.mktemp("network") / "darker.onnx")


@pytest.fixture(scope="module")
def reference(network):
    return OnnxRuntimeRunner(network)


@pytest.fixture
def set_up(fake_native, monkeypatch):
    """Say what the fake GPU is like."""

    def set_up(**changes):
        settings = fake_native.Settings()
        for name, value in changes.items():
            setattr(settings, name, value)
        fake_native.set(settings)

    set_up.native = fake_native
    set_up()
    monkeypatch.setattr(aernet.runners.tensorrt, "_native", fake_native)
    monkeypatch.setattr(aernet.runners.tensorrt, "installed_runtimes", lambda: {"tensorrt-rtx": VERSION})
    yield set_up
    set_up()


@pytest.fixture
def open_engine(set_up, network, tmp_path, monkeypatch):
    """Open an engine with a fake TensorRT of its own."""

    def open_engine(dtype=np.float32, *, batch=(1, 1, 8), graphs=True, capturable=True, size=SIZE):
        runtime = FakeTensorRt(DarkNetwork(set_up.native), dtype, size)
        runtime.is_capturable = capturable
        monkeypatch.setattr(aernet.runners.tensorrt, "open_runtime", lambda _: runtime)
        path = write_crafted(tmp_path / "darker.engine", network, batch=batch)
        return TensorRtRunner(path, model=network, graphs=graphs), runtime

    return open_engine


@pytest.fixture
def runner(open_engine):
    return open_engine()[0]


def pictures(seed, count, sides=(1, 200)):
    rng = np.random.default_rng(seed)
    return [random_view(rng, *(int(side) for side in rng.integers(*sides, 2))) for _ in range(count)]


def read(predictions, colour="bgr"):
    return [answer_of(prediction, colour, THRESHOLD) for prediction in predictions]


def run(runner, frames, colour="bgr"):
    return read(runner.predict(frames, colour), colour)


def assert_same(answers, expected, tolerance=STEEPEST * COLOUR):
    """Masks may differ where the probability is near the threshold."""
    assert len(answers) == len(expected)
    for (mask, probability), (other, other_probability) in zip(answers, expected, strict=True):
        assert probability.dtype == np.float32
        np.testing.assert_allclose(probability, other_probability, atol=tolerance)
        height, width = other.shape
        between = cv2.resize(other_probability, (width, height), interpolation=cv2.INTER_LINEAR)
        decided = np.abs(between - THRESHOLD) > tolerance + 1e-3
        np.testing.assert_array_equal(np.asarray(mask)[decided], other[decided])


@pytest.mark.parametrize("integrated", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("graphs", [True, False])
def test_any_frame_gives_what_the_cpu_gives(open_engine, reference, set_up, integrated, dtype, graphs):
    set_up(is_integrated=integrated)
    runner, _ = open_engine(dtype, graphs=graphs)
    for view, colour, _ in pictures(dtype().itemsize, 12):
        answers = run(runner, [view], colour)
        assert_same(answers, run(reference, [view], colour))


def test_a_large_frame_is_copied_by_several_threads(runner, reference):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1500, 2003, 3), np.uint8)
    for view in (frame, frame[::-1], frame[:, ::-1], frame[..., ::-1], frame[:, :1000]):
        assert_same(run(runner, [view]), run(reference, [view]))


@pytest.mark.parametrize("integrated", [False, True])
def test_page_locked_frames(fake_native, runner, reference, set_up, integrated):
    set_up(is_integrated=integrated)
    memory = fake_native.allocate([150, 170, 4], on_device=False)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    for view in (memory, memory[20:-20, 7:-9], memory[..., :3], memory[..., 0], memory[::-1]):
        assert_same(run(runner, [view]), run(reference, [view]))


@pytest.mark.parametrize("integrated", [False, True])
def test_page_locked_planes(fake_native, runner, reference, set_up, integrated):
    set_up(is_integrated=integrated)
    planes = random_planes(np.random.default_rng(0), 151, 169)
    luma, chroma = (fake_native.allocate([len(plane), 200], on_device=False) for plane in planes)
    luma[:, :169], chroma[:, :170] = planes[0], planes[1].reshape(76, 170)
    expected = run(reference, [picture_of(*planes, ("bt709", True))])
    for other in (chroma[:, :170], chroma[:, :170].copy()):  # one plane may lie elsewhere
        assert_same(run(runner, [Nv12Frame(luma[:, :169], other, "bt709", full_range=True)]), expected)


@pytest.mark.parametrize("colour", ["bgr", "nv12"])
def test_nv12_is_no_other_picture(runner, reference, examples, colour):
    picture = cv2.resize(cv2.imread(str(examples[0])), (220, 160), interpolation=cv2.INTER_AREA)
    i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    nv12 = i420.copy()
    nv12[160:] = i420[160:].reshape(2, -1).T.reshape(80, 220)  # the chroma side by side
    frame = nv12 if colour == "nv12" else picture
    assert_same(run(runner, [frame], colour), run(reference, [frame], colour))


@pytest.mark.parametrize("integrated", [False, True])
@pytest.mark.parametrize("width", [1, 127, 1918])
def test_rows_of_a_copied_frame_begin_at_multiples_of_16_bytes(
    fake_native, runner, set_up, integrated, width
):
    set_up(is_integrated=integrated)
    luma, chroma = random_planes(np.random.default_rng(0), 9, width)
    before = fake_native.calls()
    run(runner, [np.zeros((9, width, 3), np.uint8), np.zeros((9, width), np.uint8), Nv12Frame(luma, chroma)])
    after = fake_native.calls()
    assert after["preprocess"] - before["preprocess"] == 3
    assert after["preprocess off alignment"] == before["preprocess off alignment"]
    unaligned = CudaArray(fake_native.allocate([9, width + 16], on_device=True)[:, 3 : 3 + width])
    run(runner, [unaligned])
    assert fake_native.calls()["preprocess off alignment"] == before["preprocess off alignment"] + 1


def test_one_launch_a_frame_and_no_python(fake_native, open_engine):
    runner, runtime = open_engine()
    frame = np.zeros((90, 80, 3), np.uint8)
    run(runner, [frame])
    launches, queued = fake_native.calls()["graph"], len(runtime.enqueued)
    for _ in range(5):
        run(runner, [frame])
    assert fake_native.calls()["graph"] - launches == 5
    assert len(runtime.enqueued) == queued


@pytest.mark.parametrize(
    ("asked", "refused"),
    [({"graphs": False}, False), ({"capturable": False}, False), ({}, True)],
)
def test_without_a_graph_each_frame_is_queued(fake_native, open_engine, set_up, reference, asked, refused):
    set_up(refuses_capture=refused)
    runner, runtime = open_engine(**asked)
    launches, queued = fake_native.calls()["graph"], len(runtime.enqueued)
    frame = np.full((90, 80, 3), 140, np.uint8)
    answers = [run(runner, [frame]) for _ in range(3)]
    assert fake_native.calls()["graph"] == launches
    assert runtime.enqueued[queued:] == [1, 1, 1]
    assert_same(answers[2], run(reference, [frame]))


@pytest.mark.parametrize(("capturable", "refused"), [(False, False), (True, True)])
def test_a_refused_capture_is_said_once_and_shown(
    fake_native, open_engine, set_up, monkeypatch, caplog, capturable, refused
):
    warn_once.cache_clear()
    set_up(refuses_capture=refused)
    runner, _ = open_engine(capturable=capturable)
    run(runner, [np.zeros((9, 9, 3), np.uint8)] * 3)  # another size of batch is refused too
    runner.make_lane().network(1)
    open_engine(capturable=capturable)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "without a CUDA graph" in record.getMessage()
    reason = "capturing the engine: refused" if refused else "this engine cannot be captured"
    assert reason in record.getMessage()

    monkeypatch.setattr(aernet.segmenter, "open_runner", lambda *_: runner)
    monkeypatch.setattr(aernet.runners.choice, "choose_runner", lambda *_: Choice(runner, "an engine"))
    monkeypatch.setattr(fake_native, "__version__", "0", raising=False)
    monkeypatch.setattr(aernet, "_native", fake_native)
    shown = CliRunner().invoke(app, ["benchmark", "--seconds", "0.1", "--frame", "64x48"])
    assert shown.exit_code == 0, shown.output
    assert re.search(f"^without a CUDA graph: .*{reason}", shown.stdout, re.MULTILINE)
    figures = CliRunner().invoke(app, ["benchmark", "--seconds", "0.1", "--frame", "64x48", "--json"]).stdout
    assert reason in json.loads(figures)["machine"]["without a CUDA graph"]
    monkeypatch.undo()
    monkeypatch.setattr(aernet.runners.choice, "choose_runner", lambda *_: Choice(runner, "an engine"))
    assert reason in json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)["use"]["without_graph"]
    assert "without a CUDA graph: " in CliRunner().invoke(app, ["doctor"]).stdout


def test_a_graph_that_was_captured_is_no_news(open_engine, caplog):
    warn_once.cache_clear()
    runner, _ = open_engine()
    eager, _ = open_engine(graphs=False)
    assert (runner.capture_refusal, eager.capture_refusal) == (None, None)
    assert caplog.records == []


@pytest.mark.parametrize("integrated", [False, True])
def test_after_warming_up_frames_find_all_there(fake_native, open_engine, set_up, monkeypatch, integrated):
    """Two frames under way allocate nothing, capture nothing, and queue nothing from Python."""
    set_up(is_integrated=integrated)
    runner, runtime = open_engine()
    monkeypatch.setattr(aernet.segmenter, "open_runner", lambda *_: runner)
    segmenter = Segmenter(threshold=THRESHOLD)
    sizes = [(1080, 1920), (48, 64)]
    segmenter.warm_up(sizes)
    before, queued = fake_native.calls()["allocations"], len(runtime.enqueued)
    set_up(is_integrated=integrated, delay_us=1000)
    for height, width in sizes:
        frame = np.full((height, width, 3), 90, np.uint8)
        pending = [segmenter.submit(frame) for _ in range(2)]
        assert not any(lane.native.is_idle() for lane in runner._lanes)  # each has its lane
        assert [one.result().mask.shape for one in pending] == [(height, width)] * 2
        assert fake_native.calls()["allocations"] == before
    assert len(runtime.enqueued) == queued


def test_a_batch_larger_than_the_engines(open_engine, reference):
    runner, runtime = open_engine(batch=(1, 2, 3))
    frames = [view for view, colour, _ in pictures(1, 30) if colour == "bgr"][:8]
    assert len(frames) == 8
    assert_same(run(runner, frames), run(reference, frames))
    assert set(runtime.enqueued) == {1, 2, 3}


def test_fewer_frames_than_the_engine_takes(open_engine, reference):
    runner, runtime = open_engine(batch=(4, 4, 4))
    frames = [view for view, colour, _ in pictures(2, 20) if colour == "bgr"][:5]
    assert_same(run(runner, frames), run(reference, frames))
    assert set(runtime.enqueued) == {4}


def test_no_frames(runner):
    assert run(runner, []) == []


def test_a_bad_frame_is_numbered_and_does_no_harm(open_engine, reference):
    runner, _ = open_engine(batch=(1, 1, 2))
    good = np.full((30, 40, 3), 120, np.uint8)
    with pytest.raises(
        FrameError, match=r"^frames\[3\]: frame: expected a NumPy array of uint8, found float"
    ):
        run(runner, [good, good, good, good.astype(float)])
    with pytest.raises(FrameError, match=r"^frame: expected H x W x 3"):
        run(runner, [good[..., :2]])
    with pytest.raises(FrameError, match=r"^frame: expected NV12, uint8, \(H \* 3 / 2\) x W with even sides"):
        run(runner, [good], "nv12")
    assert_same(run(runner, [good]), run(reference, [good]))


def test_results_stay_what_they_are(runner):
    frames = [np.full((60 + index, 50, 3), 4 * index, np.uint8) for index in range(40)]
    held = [run(runner, [frame])[0] for frame in frames]
    kept = [(mask.copy(), probability.copy()) for mask, probability in held]
    for frame in reversed(frames):
        run(runner, [frame])
    for (mask, probability), (mask_then, probability_then) in zip(held, kept, strict=True):
        np.testing.assert_array_equal(mask, mask_then)
        np.testing.assert_array_equal(probability, probability_then)
        assert mask.flags.writeable


def test_two_frames_under_way(runner, reference, set_up):
    set_up(delay_us=5000)
    frames = [view for view, colour, _ in pictures(3, 30) if colour == "bgr"][:9]
    expected = run(reference, frames)
    futures = [runner.submit([frame], "bgr") for frame in frames]
    assert not any(lane.native.is_idle() for lane in runner._lanes)  # the last two are still under way
    answers = [read(future.result())[0] for future in reversed(futures)]
    assert_same(answers[::-1], expected)
    assert [lane.native.is_idle() for lane in runner._lanes] == [True, True]
    assert_same(read(futures[0].result()), expected[:1])


def test_a_third_submission_waits_for_the_first(fake_native, runner, set_up):
    frame = np.zeros((50, 60, 3), np.uint8)
    set_up(delay_us=20_000)
    for future in [runner.submit([frame], "bgr") for _ in range(2)]:  # each makes a lane
        read(future.result())
    for lane in runner._lanes:
        lane.native.wait()
    waits = fake_native.calls()["waits"]
    (first,), _ = (runner.submit([frame], "bgr").result() for _ in range(2))
    assert fake_native.calls()["waits"] == waits
    (third,) = runner.submit([frame], "bgr").result()
    assert fake_native.calls()["waits"] == waits + 1
    first.to_host()
    assert fake_native.calls()["waits"] == waits + 1  # it was over
    third.to_host()
    assert fake_native.calls()["waits"] == waits + 2


@pytest.mark.parametrize("integrated", [False, True])
def test_a_still_frame_costs_one_wait(fake_native, open_engine, set_up, integrated):
    set_up(is_integrated=integrated)
    runner, _ = open_engine()
    frame = np.zeros((50, 60, 3), np.uint8)
    run(runner, [frame])
    runner._lanes[0].native.wait()
    set_up(is_integrated=integrated, delay_us=5000)
    waits = fake_native.calls()["waits"]
    run(runner, [frame])
    assert fake_native.calls()["waits"] == waits + 1


def test_a_mask_is_made_when_it_is_asked_for(fake_native, runner):
    frames = [np.zeros((50, 60, 3), np.uint8)] * 3
    made = fake_native.calls()["mask"]
    predictions = [future.result()[0] for future in [runner.submit([frame], "bgr") for frame in frames]]
    for prediction in predictions:
        prediction.to_host()
    assert fake_native.calls()["mask"] == made
    predictions[1].mask(50, 60, THRESHOLD)
    assert fake_native.calls()["mask"] == made + 1


def test_a_prediction_that_nobody_asks_for(runner, set_up):
    set_up(delay_us=300)
    for _ in range(6):
        runner.submit([np.zeros((50, 60, 3), np.uint8)], "bgr")
    gc.collect()
    run(runner, [np.zeros((5, 6, 3), np.uint8)])
    assert len(runner._lanes) <= 2


def test_a_prediction_may_be_read_from_any_thread(runner, reference):
    frames = [view for view, colour, _ in pictures(4, 20) if colour == "bgr"][:6]
    with ThreadPoolExecutor(3) as pool:
        jobs = [runner.submit([frame], "bgr") for frame in frames]
        answers = list(pool.map(lambda job: read(job.result())[0], jobs))
    assert_same(answers, run(reference, frames))


def test_a_frame_under_way_outlives_its_runner(fake_native, open_engine, reference, set_up):
    gc.collect()
    before = fake_native.counts()
    set_up(delay_us=300)
    runner, _ = open_engine()
    frames = [np.full((50, 60, 3), level, np.uint8) for level in (60, 190)]
    jobs = [runner.submit([frame], "bgr") for frame in frames]
    del runner
    gc.collect()
    assert_same([read(job.result())[0] for job in jobs], run(reference, frames))
    del jobs
    gc.collect()
    assert fake_native.counts() == before


def test_two_engines_on_one_gpu(open_engine, reference):
    runners = [open_engine()[0], open_engine(np.float16)[0]]
    frames = [view for view, colour, _ in pictures(8, 20) if colour == "bgr"][:6]
    jobs = [(runner.submit([frame], "bgr"), frame) for frame in frames for runner in runners]
    for job, frame in jobs:
        assert_same(read(job.result()), run(reference, [frame]))


def test_threads_share_an_engine(open_engine, reference, set_up):
    set_up(delay_us=100)
    runner, runtime = open_engine()
    views = pictures(5, 40)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda view: run(runner, [view[0]], view[1])[0], views))
    expected = [run(reference, [view], colour)[0] for view, colour, _ in views]
    assert_same(answers, expected)
    assert 1 <= runtime.contexts <= 2


def test_frames_in_the_gpus_memory(fake_native, runner, reference):
    memory = fake_native.allocate([90, 128, 4], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    gray = memory.reshape(90, 512)[:, :200]
    rows = np.lib.stride_tricks.as_strided(memory, (90, 100, 3), (512, 3, 1))  # as a pitched allocation
    for array in (memory, memory[10:-10, 4:-8], gray, rows):
        expected = run(reference, [np.ascontiguousarray(array)], "rgb")
        for given in (CudaArray(array), CudaArray(array, stream=2)):
            frame = runner.gpu.wrap(given)
            assert (frame.shape, frame.ndim, frame.dtype) == (array.shape, array.ndim, np.uint8)
            np.testing.assert_array_equal(np.asarray(frame), array)
            assert_same(run(runner, [frame], "rgb"), expected)
            assert_same(run(runner, [given], "rgb"), expected)


@pytest.mark.parametrize("conversion", CONVERSIONS)
@pytest.mark.parametrize("shape", [(90, 128), (91, 127)])
def test_planes_in_the_gpus_memory(fake_native, runner, reference, shape, conversion):
    luma, chroma = random_planes(np.random.default_rng(2), *shape)
    picture = picture_of(luma, chroma, conversion)
    pairs = chroma.shape[1]
    memory = fake_native.allocate([len(luma), 144], on_device=True)
    pitched = fake_native.allocate([len(chroma), 160], on_device=True)
    on_gpu = memory[:, 3 : 3 + luma.shape[1]]
    flat = pitched[:, 5 : 5 + 2 * pairs]
    on_gpu[:], flat[:] = luma, chroma.reshape(len(chroma), -1)
    in_pairs = np.lib.stride_tricks.as_strided(flat, chroma.shape, (160, 2, 1))
    expected = run(reference, [picture])
    for given in (CudaArray(flat), CudaArray(in_pairs), DlpackArray(runner.gpu.wrap(CudaArray(flat)))):
        frame = Nv12Frame(CudaArray(on_gpu), given, *conversion)
        assert frame.shape == shape
        (prediction,) = runner.predict([frame], "bgr")
        assert_same(read([prediction]), expected)
        np.testing.assert_array_equal(prediction.frame.to_bgr(), picture)
        result = Segmentation.of(prediction.frame, prediction, THRESHOLD, time.perf_counter(), "bgr")
        assert result.colour == "nv12"
        assert result.overlay().shape == picture.shape


@pytest.mark.parametrize("slow", [0, 1])
def test_work_under_way_on_a_plane_is_waited_for(fake_native, runner, reference, slow):
    planes = [fake_native.allocate(shape, on_device=True) for shape in ([64, 64], [32, 64])]
    for plane in planes:
        plane[:] = 40
    fake_native.fill_slowly(1, planes[slow], 200)
    frame = Nv12Frame(*(CudaArray(plane) for plane in planes))
    found = run(runner, [frame])
    filled = [np.full_like(plane, 200 if index == slow else 40) for index, plane in enumerate(planes)]
    assert_same(
        found, run(reference, [picture_of(filled[0], filled[1].reshape(32, 32, 2), ("bt601", False))])
    )


def test_what_are_no_planes_on_this_gpu(fake_native, runner):
    luma, chroma = (fake_native.allocate(shape, on_device=True) for shape in ([64, 64], [32, 64]))
    for planes, message in (
        (
            (CudaArray(luma), CudaArray(chroma[:31])),
            "expected chroma of 32 x 64 or 32 x 32 x 2 .* found 31 x 64",
        ),
        ((CudaArray(luma[:, ::2]), CudaArray(chroma)), "expected pixels without gaps"),
        ((CudaArray(luma), CudaArray(np.zeros((32, 64), np.uint8))), "memory of cuda:0, found the host's"),
    ):
        with pytest.raises(FrameError, match=rf"^frame: .*{message}"):
            runner.predict([Nv12Frame(*planes)], "nv12")


def test_frames_by_dlpack(fake_native, runner, reference):
    memory = fake_native.allocate([90, 128, 3], on_device=True)
    memory[:] = np.random.default_rng(1).integers(0, 256, memory.shape)
    given = DlpackArray(runner.gpu.wrap(CudaArray(memory)))
    frame = runner.gpu.wrap(given)
    assert given.streams[0] > 2  # one of ours, not a default one
    assert_same(run(runner, [frame]), run(reference, [memory]))


def test_the_stride_of_an_axis_of_one_means_nothing(fake_native, runner):
    memory = fake_native.allocate([5, 6, 3], on_device=True)
    memory[:] = np.arange(90).reshape(memory.shape)
    for view in (memory[:1], memory[:, :1], memory[:1, :1], memory[..., :1]):
        strides = [1 if side == 1 else stride for side, stride in zip(view.shape, view.strides, strict=True)]
        if view.shape[1] > 1 and view.shape[2] == 1:  # its pixels have gaps
            continue
        frame = runner.gpu.wrap(CudaArray(view, strides=tuple(strides)))
        np.testing.assert_array_equal(np.asarray(frame), view)


def test_work_under_way_on_a_frame_is_waited_for(fake_native, runner, reference):
    memory = fake_native.allocate([64, 64, 3], on_device=True)
    memory[:] = 0
    fake_native.fill_slowly(1, memory, 255)
    frame = runner.gpu.wrap(CudaArray(memory))
    expected = run(reference, [np.full((64, 64, 3), 255, np.uint8)])
    assert_same(run(runner, [frame]), expected)


def test_what_is_no_frame_on_this_gpu(fake_native, runner, set_up):
    memory = fake_native.allocate([90, 128, 3], on_device=True)
    with pytest.raises(FrameError, match=r"^frame: expected pixels without gaps, .* make it contiguous"):
        runner.predict([CudaArray(memory.transpose(1, 0, 2))], "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected uint8, found <f4; convert it"):
        runner.predict([CudaArray(memory, typestr="<f4")], "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected H x W x 3, .* found the shape \(90,\)"):
        runner.predict([CudaArray(memory[:, 0, 0], strides=None)], "bgr")
    with pytest.raises(FrameError, match=r"expected memory of cuda:0, found the host's"):
        runner.predict([CudaArray(np.zeros((9, 9), np.uint8))], "bgr")
    with pytest.raises(
        FrameError, match=r"expected a NumPy array or one in the memory of cuda:0 .* found list"
    ):
        runner.predict([[1]], "bgr")
    with pytest.raises(FrameError, match="expected pixels without gaps"):
        runner.predict([CudaArray(memory[:2, ..., 0], strides=(1 << 32, 1))], "bgr")
    set_up(gpus=2)
    second, elsewhere = (
        fake_native.Device(1),
        r"memory of cuda:{}, found cuda:{}'s; copy it, or use a segmenter",
    )
    for given in (CudaArray(memory), DlpackArray(memory), runner.gpu.wrap(CudaArray(memory))):
        with pytest.raises(FrameError, match=elsewhere.format(1, 0)):
            second.wrap(given)
    with pytest.raises(FrameError, match=elsewhere.format(0, 1)):
        runner.predict([DlpackArray(memory, 1)], "bgr")
    set_up(foreign_pointer=memory.ctypes.data)
    with pytest.raises(FrameError, match=r"cuda:0's primary context, .* import pycuda\.autoprimaryctx"):
        runner.predict([CudaArray(memory)], "bgr")
    set_up()
    with pytest.raises(FrameError, match=r"found 90 x 64 x 6"):
        runner.predict([CudaArray(memory.reshape(90, 64, 6))], "bgr")


def test_masks_that_stay(runner, reference):
    views = [view for view, colour, _ in pictures(6, 20) if colour == "bgr"][:5]
    masks = masks_on_device(runner, views, threshold=THRESHOLD)
    for mask, (expected, probability) in zip(masks, run(reference, views), strict=True):
        interface = mask.__cuda_array_interface__
        assert (interface["shape"], interface["typestr"], interface["version"]) == (expected.shape, "|u1", 3)
        pointer = ctypes.cast(interface["data"][0], ctypes.POINTER(ctypes.c_uint8))
        there = np.ctypeslib.as_array(pointer, expected.shape)  # this GPU's memory is the host's
        np.testing.assert_array_equal(there, np.asarray(mask))
        assert_same([(mask, probability)], [(expected, probability)])
        assert mask.__dlpack_device__() == (2, 0)
        np.testing.assert_array_equal(np.asarray(runner.gpu.wrap(DlpackArray(mask))), there)


def test_a_mask_on_the_gpu_is_never_copied_unasked(runner):
    (mask,) = masks_on_device(runner, [np.zeros((9, 8, 3), np.uint8)], threshold=THRESHOLD)
    with pytest.raises(ValueError, match="without a copy"):
        mask.__array__(copy=False)
    with pytest.raises(BufferError, match="never as a copy"):
        mask.__dlpack__(copy=True)
    with pytest.raises(BufferError, match="where it lies"):
        mask.__dlpack__(dl_device=(1, 0))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_mask_tints_a_picture_on_the_gpu(fake_native, runner, channels):
    colour, share = (10, 200, 90), 0.25
    memory = fake_native.allocate([70, 64, channels], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    before = memory.copy()
    (mask,) = masks_on_device(runner, [memory], threshold=THRESHOLD)
    fake_native.fill_slowly(1, memory[:1], 7)  # of the legacy default stream, for which the tint waits
    before[:1] = 7
    mask.tint(CudaArray(memory), colour, share)
    wanted = before.astype(float)
    wanted[..., :3] += np.where(np.asarray(mask)[..., None], share * (np.array(colour) - wanted[..., :3]), 0)
    assert np.asarray(mask).any()
    assert np.abs(memory - wanted).max() <= 0.5
    for other, message in (
        (
            memory[1:],
            rf"a mask, H x W, and a picture, .* found the shapes \(70, 64\) and \(69, 64, {channels}\)",
        ),
        (memory[..., 0], "pixels without gaps"),
        (np.zeros_like(memory), "memory of cuda:0, found the host's"),
    ):
        with pytest.raises(FrameError, match=message):
            mask.tint(CudaArray(other), colour, share)
    with pytest.raises(ValueError, match="share: expected 0 to 1, found 1"):
        mask.tint(CudaArray(memory), colour, 1.5)


@pytest.mark.parametrize("answer", [float("nan"), -0.5, 1.5])
def test_answers_that_are_no_probabilities(open_engine, monkeypatch, answer):
    runner, runtime = open_engine(graphs=False)
    frame = np.zeros((9, 9, 3), np.uint8)
    runtime.network.answer = answer
    (prediction,) = runner.submit([frame], "bgr").result()
    np.testing.assert_array_equal(prediction.probability, np.full((SIZE, SIZE), answer, np.float32))
    monkeypatch.setattr(aernet.segmenter, "open_runner", lambda *_: runner)
    segmenter = Segmenter(threshold=THRESHOLD)
    for reading in (
        prediction.to_host,
        lambda: segmenter(frame),
        segmenter.submit(frame).result,
        lambda: segmenter.masks_on_device([frame]),
    ):
        with pytest.raises(FrameError, match=r"^probability: expected values within \[0, 1\], found"):
            reading()


@pytest.mark.parametrize("answer", [1 + 2**-20, -(2.0**-20)])
def test_a_sigmoid_that_rounds_outside_0_and_1(open_engine, answer):
    runner, runtime = open_engine(graphs=False)
    runtime.network.answer = answer
    ((mask, probability),) = run(runner, [np.zeros((9, 9, 3), np.uint8)])
    assert np.unique(mask).tolist() == [255 if answer > 1 else 0]
    assert np.unique(probability).tolist() == [round(answer)]


def test_an_engine_of_another_size_than_its_manifest_says(open_engine):
    with pytest.raises(EngineError, match=r"of 64 x 64, the engine has .*128.* build it again: aernet-trt"):
        open_engine(size=128)


def test_out_of_memory(runner, reference, set_up):
    set_up(memory_bytes=4 << 20)
    large, small = np.zeros((2000, 2000, 3), np.uint8), np.zeros((40, 30, 3), np.uint8)
    message = r"^cuda:0: allocating 12 MiB of .* out of memory; close other programs on the GPU"
    with pytest.raises(AernetError, match=message):
        run(runner, [large])
    assert_same(run(runner, [small]), run(reference, [small]))
    set_up(memory_bytes=1)
    with pytest.raises(AernetError, match=r"^cuda:0: opening the GPU: out of memory; close other programs"):
        set_up.native.Device(0)


def test_a_lost_gpu(runner, set_up):
    (prediction,) = runner.submit([np.zeros((40, 30, 3), np.uint8)], "bgr").result()
    mask = prediction.mask(40, 30, THRESHOLD)
    set_up(is_lost=True)
    for _ in range(2):
        with pytest.raises(
            AernetError, match=r"^cuda:0: waiting for a mask: .* the GPU is lost to this process"
        ):
            np.asarray(mask)
        with pytest.raises(AernetError, match=r"^cuda:0: waiting for a probability map: .* is lost"):
            prediction.to_host()


def test_memory_is_flat_and_all_of_it_comes_back(fake_native, open_engine):
    gc.collect()
    before = fake_native.counts()
    runner, _ = open_engine()
    views = pictures(7, 20)
    counted = []
    while len(counted) < 2 or (len(counted) < 10 and counted[-1] != counted[-2]):
        for view, colour, _ in views:
            run(runner, [view], colour)
            masks_on_device(runner, [view], threshold=THRESHOLD)
        run(runner, [view for view, colour, _ in views if colour == "bgr"])
        counted.append(fake_native.counts())
    # Which block serves a frame depends on when the one before is released; memory that leaks never settles.
    assert counted[-1] == counted[-2]
    assert counted[-1]["pushed"] == 0
    del runner
    gc.collect()
    assert fake_native.counts() == before


def test_times_and_floor(runner):
    frame = np.zeros((400, 500, 3), np.uint8)
    steps, floor = (measure(frame) for measure in measurements(runner))
    assert list(steps) == ["copy in", "preprocess", "engine", "mask", "copy out"]
    assert all(0 < value < 10_000 for value in steps.values())
    assert list(floor) == ["engine", "plain copies"]
    assert all(value > 0 for value in floor.values())


@pytest.fixture
def on_the_gpu(runner, monkeypatch):
    """A segmenter that is warmed up, and a picture in the GPU's memory."""
    monkeypatch.setattr(aernet.segmenter, "open_runner", lambda *_: runner)
    segmenter = Segmenter(threshold=THRESHOLD)
    segmenter.warm_up([(70, 64)])
    memory = aernet.runners.tensorrt._native.allocate([70, 64, 3], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    return segmenter, memory


def test_masks_wait_for_the_stream_of_the_frame_alone(fake_native, runner, on_the_gpu):
    """What another library queues on the default stream holds up no mask, though it had one before."""
    segmenter, memory = on_the_gpu
    lane = runner.make_lane()  # which owns the stream
    stream = lane.native.stream
    (mask,) = segmenter.masks_on_device([CudaArray(memory, stream=stream)])
    expected = np.asarray(mask).copy()
    assert mask.__cuda_array_interface__["stream"] is None
    del mask
    let_go = fake_native.hold(1)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(segmenter.masks_on_device, [CudaArray(memory, stream=stream)])
        try:
            (mask,) = job.result(timeout=60)
        finally:
            let_go()
    np.testing.assert_array_equal(np.asarray(mask), expected)


def test_a_mask_that_another_library_still_reads_is_not_written_over(fake_native, on_the_gpu):
    segmenter, memory = on_the_gpu
    (mask,) = segmenter.masks_on_device([CudaArray(memory)])
    expected = np.asarray(mask).copy()
    copy = fake_native.allocate([70, 64], on_device=True)
    source = mask.__cuda_array_interface__["data"][0]
    let_go = fake_native.hold(1)
    fake_native.copy(copy.ctypes.data, source, copy.size, 1)
    del mask
    pending = [segmenter.submit(np.zeros((70, 64, 3), np.uint8)) for _ in range(2)]
    masks = [segmenter.runner.predict([np.zeros((70, 64, 3), np.uint8)], "bgr")[0].mask(70, 64, THRESHOLD)]
    let_go()
    assert all(np.asarray(one).all() for one in (*masks, *(one.result().mask for one in pending)))
    np.testing.assert_array_equal(copy, expected)
    assert not expected.all()


def test_who_waits_leaves_the_processor_to_others(fake_native, on_the_gpu, set_up):
    segmenter, memory = on_the_gpu
    set_up(delay_us=2000)
    before = fake_native.calls()
    frame = np.zeros((70, 64, 3), np.uint8)
    for pending in [segmenter.submit(frame) for _ in range(4)]:
        assert pending.result().mask.all()
    (mask,) = segmenter.masks_on_device([CudaArray(memory)])
    mask.tint(CudaArray(memory), (1, 2, 3), 0.5)
    after = fake_native.calls()
    assert after["waits"] > before["waits"] + 4
    assert after["spins"] == before["spins"]


def test_what_reads_a_mask_waits_for_it(runner, set_up):
    """By the stream that the CUDA array interface names, and by the one that DLPack is given."""
    frame = np.zeros((50, 60, 3), np.uint8)
    set_up(delay_us=20_000)
    (mask,) = masks_on_device(runner, [frame], threshold=THRESHOLD)
    assert mask.__cuda_array_interface__["stream"] == 1  # the legacy default one, made to wait
    (mask,) = masks_on_device(runner, [frame], threshold=THRESHOLD)
    wrapped = runner.gpu.wrap(DlpackArray(mask))
    set_up()
    np.testing.assert_array_equal(np.asarray(wrapped), np.full((50, 60), 255))
    np.asarray(mask)
    assert mask.__cuda_array_interface__["stream"] is None


def test_an_engine_is_compared_with_its_model(open_engine, reference, examples):
    runner, runtime = open_engine()
    verification = compare_with_model(runner, reference, examples)
    assert load_manifest(runner.engine).verification == verification
    assert verification.passed
    assert verification.pictures == len(examples)
    assert verification.runtime == f"TensorRT-RTX {VERSION} on cuda:0"
    assert set(runtime.enqueued) == {1}  # TensorRT-RTX compiles for each size of batch
    with pytest.raises(SourceError, match=r"absent\.jpg"):
        compare_with_model(runner, reference, [examples[0], examples[0].with_name("absent.jpg")])


@pytest.mark.parametrize("answer", [0.0, float("nan")])
def test_an_engine_that_gives_something_else_is_refused_from_then_on(
    open_engine, reference, network, examples, answer
):
    runner, runtime = open_engine(graphs=False)
    runtime.network.answer = answer
    with pytest.raises(
        EngineError, match=r"expected a mean Dice .* build it in fp32: aernet-trt build-engine"
    ):
        compare_with_model(runner, reference, examples)
    assert not load_manifest(runner.engine).verification.passed
    with pytest.raises(EngineError, match="expected a mean Dice"):
        TensorRtRunner(runner.engine, model=network)


def test_an_engine_in_a_folder_that_is_not_ours(open_engine, reference, examples, monkeypatch, caplog):
    def refuse(*_):
        raise AernetError("cannot be written")

    monkeypatch.setattr(aernet.runners.comparison, "record_verification", refuse)
    assert compare_with_model(open_engine()[0], reference, examples).passed
    (record,) = caplog.records
    assert "cannot be written" in record.getMessage()
    assert "is compared with its model each time" in record.getMessage()


def test_a_gpu_that_is_not_there(network, set_up, tmp_path, monkeypatch):
    monkeypatch.setattr(aernet.runners.tensorrt, "find_gpu", lambda: Gpu("a card", "8.9", 128))
    engine = write_crafted(tmp_path / "darker.engine", network)
    with pytest.raises(
        AernetError, match=r"^cuda:1: choosing the GPU: .* 'aernet-trt doctor' lists the GPUs"
    ):
        TensorRtRunner(engine, 1)
    set_up(gpus=0)
    with pytest.raises(AernetError, match=r"this build needs a driver for CUDA \d+\.\d+, found none"):
        TensorRtRunner(engine)
    monkeypatch.setattr(aernet.runners.tensorrt, "find_gpu", lambda: None)
    with pytest.raises(EngineError, match=r"name its model instead of the engine: .*, with device='cpu'$"):
        TensorRtRunner(engine)


@pytest.mark.usefixtures("set_up")
def test_an_extension_without_cuda(fake_native, network, tmp_path, monkeypatch):
    monkeypatch.setattr(fake_native, "cuda_version", None)
    engine = write_crafted(tmp_path / "darker.engine", network)
    with pytest.raises(EngineError, match="this aernet was built without CUDA"):
        TensorRtRunner(engine)


def test_the_size_is_the_models(runner):
    assert runner.card.size == SIZE
    assert (runner.device, runner.runtime) == ("cuda:0", f"TensorRT-RTX {VERSION}")
