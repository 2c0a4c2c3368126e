"""The runner and the whole device layer over a CUDA that runs on the host; TensorRT itself is pretended."""

from __future__ import annotations

import ctypes
import gc
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from engine.models import write_crafted, write_network
from frames import random_view
from runners.pretended import SIZE, VERSION, CudaArray, DlpackArray, Runtime

import aernet.runners.tensorrt
from aernet import AernetError, EngineError, FrameError, SourceError
from aernet.engine.manifest import load_manifest
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.tensorrt import TensorRtRunner, verify

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
def set_up(host_native, monkeypatch):
    """Say what the pretended GPU is like."""

    def set_up(**changes):
        settings = host_native.Settings()
        for name, value in changes.items():
            setattr(settings, name, value)
        host_native.set(settings)

    set_up.native = host_native
    set_up()
    monkeypatch.setattr(aernet.runners.tensorrt, "_native", host_native)
    monkeypatch.setattr(aernet.runners.tensorrt, "installed_runtimes", lambda: {"tensorrt-rtx": VERSION})
    yield set_up
    set_up()


@pytest.fixture
def open_engine(set_up, network, tmp_path, monkeypatch):
    """Open an engine with a pretended TensorRT of its own."""

    def open_engine(dtype=np.float32, *, batch=(1, 1, 8), graphs=True, capturable=True, size=SIZE):
        runtime = Runtime(set_up.native, dtype)
        runtime.is_capturable, runtime.size = capturable, size
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
        answers = runner.run([view], THRESHOLD, colour)
        assert_same(answers, reference.run([view], THRESHOLD, colour))


def test_a_large_frame_is_copied_by_several_threads(runner, reference):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1500, 2003, 3), np.uint8)
    for view in (frame, frame[::-1], frame[:, ::-1], frame[..., ::-1], frame[:, :1000]):
        assert_same(runner.run([view], THRESHOLD, "bgr"), reference.run([view], THRESHOLD, "bgr"))


@pytest.mark.parametrize("integrated", [False, True])
def test_page_locked_frames(host_native, runner, reference, set_up, integrated):
    set_up(is_integrated=integrated)
    memory = host_native.allocate([150, 170, 4], on_device=False)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    for view in (memory, memory[20:-20, 7:-9], memory[..., :3], memory[..., 0], memory[::-1]):
        assert_same(runner.run([view], THRESHOLD, "bgr"), reference.run([view], THRESHOLD, "bgr"))


@pytest.mark.parametrize("colour", ["bgr", "nv12"])
def test_nv12_is_no_other_picture(runner, reference, examples, colour):
    picture = cv2.resize(cv2.imread(str(examples[0])), (220, 160), interpolation=cv2.INTER_AREA)
    i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    nv12 = i420.copy()
    nv12[160:] = i420[160:].reshape(2, -1).T.reshape(80, 220)  # the chroma side by side
    frame = nv12 if colour == "nv12" else picture
    assert_same(runner.run([frame], THRESHOLD, colour), reference.run([frame], THRESHOLD, colour))


def test_one_launch_a_frame_and_no_python(host_native, open_engine):
    runner, runtime = open_engine()
    frame = np.zeros((90, 80, 3), np.uint8)
    runner.run([frame], THRESHOLD, "bgr")
    launches, queued = host_native.graph_launches(), len(runtime.enqueued)
    for _ in range(5):
        runner.run([frame], THRESHOLD, "bgr")
    assert host_native.graph_launches() - launches == 5
    assert len(runtime.enqueued) == queued


@pytest.mark.parametrize(
    ("asked", "refused"),
    [({"graphs": False}, False), ({"capturable": False}, False), ({}, True)],
)
def test_without_a_graph_each_frame_is_queued(host_native, open_engine, set_up, reference, asked, refused):
    set_up(refuses_capture=refused)
    runner, runtime = open_engine(**asked)
    launches, queued = host_native.graph_launches(), len(runtime.enqueued)
    frame = np.full((90, 80, 3), 140, np.uint8)
    answers = [runner.run([frame], THRESHOLD, "bgr") for _ in range(3)]
    assert host_native.graph_launches() == launches
    assert runtime.enqueued[queued:] == [1, 1, 1]
    assert_same(answers[2], reference.run([frame], THRESHOLD, "bgr"))


def test_a_batch_larger_than_the_engines(open_engine, reference):
    runner, runtime = open_engine(batch=(1, 2, 3))
    frames = [view for view, colour, _ in pictures(1, 30) if colour == "bgr"][:8]
    assert len(frames) == 8
    assert_same(runner.run(frames, THRESHOLD, "bgr"), reference.run(frames, THRESHOLD, "bgr"))
    assert set(runtime.enqueued) == {1, 2, 3}


def test_fewer_frames_than_the_engine_takes(open_engine, reference):
    runner, runtime = open_engine(batch=(4, 4, 4))
    frames = [view for view, colour, _ in pictures(2, 20) if colour == "bgr"][:5]
    assert_same(runner.run(frames, THRESHOLD, "bgr"), reference.run(frames, THRESHOLD, "bgr"))
    assert set(runtime.enqueued) == {4}


def test_no_frames(runner):
    assert runner.run([], THRESHOLD, "bgr") == []


def test_a_bad_frame_is_numbered_and_does_no_harm(open_engine, reference):
    runner, _ = open_engine(batch=(1, 1, 2))
    good = np.full((30, 40, 3), 120, np.uint8)
    with pytest.raises(
        FrameError, match=r"^frames\[3\]: frame: expected a NumPy array of uint8, found float"
    ):
        runner.run([good, good, good, good.astype(float)], THRESHOLD, "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected H x W x 3"):
        runner.run([good[..., :2]], THRESHOLD, "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected NV12, uint8, \(H \* 3 / 2\) x W with even sides"):
        runner.run([good], THRESHOLD, "nv12")
    assert_same(runner.run([good], THRESHOLD, "bgr"), reference.run([good], THRESHOLD, "bgr"))


def test_results_stay_what_they_are(runner):
    frames = [np.full((60 + index, 50, 3), 4 * index, np.uint8) for index in range(40)]
    held = [runner.run([frame], THRESHOLD, "bgr")[0] for frame in frames]
    kept = [(mask.copy(), probability.copy()) for mask, probability in held]
    for frame in reversed(frames):
        runner.run([frame], THRESHOLD, "bgr")
    for (mask, probability), (mask_then, probability_then) in zip(held, kept, strict=True):
        np.testing.assert_array_equal(mask, mask_then)
        np.testing.assert_array_equal(probability, probability_then)
        assert mask.flags.writeable


def test_two_frames_under_way(runner, reference, set_up):
    set_up(delay_us=300)
    frames = [view for view, colour, _ in pictures(3, 30) if colour == "bgr"][:9]
    expected = reference.run(frames, THRESHOLD, "bgr")
    jobs = [runner.submit(frame, THRESHOLD, "bgr") for frame in frames]
    assert len(runner._idle) == 0  # the last two are still under way
    answers = [job.result()[0] for job in reversed(jobs)]
    assert_same(answers[::-1], expected)
    assert len(runner._idle) == 2
    assert_same(jobs[0].result(), expected[:1])


def test_a_job_that_nobody_asks_for(runner, set_up):
    set_up(delay_us=300)
    for _ in range(6):
        runner.submit(np.zeros((50, 60, 3), np.uint8), THRESHOLD, "bgr")
    gc.collect()
    runner.run([np.zeros((5, 6, 3), np.uint8)], THRESHOLD, "bgr")
    assert len(runner._idle) <= 2


def test_a_job_may_be_asked_from_any_thread(runner, reference):
    frames = [view for view, colour, _ in pictures(4, 20) if colour == "bgr"][:6]
    with ThreadPoolExecutor(3) as pool:
        jobs = [runner.submit(frame, THRESHOLD, "bgr") for frame in frames]
        answers = list(pool.map(lambda job: job.result()[0], jobs))
    assert_same(answers, reference.run(frames, THRESHOLD, "bgr"))


def test_a_frame_under_way_outlives_its_runner(host_native, open_engine, reference, set_up):
    gc.collect()
    before = host_native.counts()
    set_up(delay_us=300)
    runner, _ = open_engine()
    frames = [np.full((50, 60, 3), level, np.uint8) for level in (60, 190)]
    jobs = [runner.submit(frame, THRESHOLD, "bgr") for frame in frames]
    del runner
    gc.collect()
    assert_same([job.result()[0] for job in jobs], reference.run(frames, THRESHOLD, "bgr"))
    del jobs
    gc.collect()
    assert host_native.counts() == before


def test_two_engines_on_one_gpu(open_engine, reference):
    runners = [open_engine()[0], open_engine(np.float16)[0]]
    frames = [view for view, colour, _ in pictures(8, 20) if colour == "bgr"][:6]
    jobs = [(runner.submit(frame, THRESHOLD, "bgr"), frame) for frame in frames for runner in runners]
    for job, frame in jobs:
        assert_same(job.result(), reference.run([frame], THRESHOLD, "bgr"))


def test_threads_share_an_engine(open_engine, reference, set_up):
    set_up(delay_us=100)
    runner, runtime = open_engine()
    views = pictures(5, 40)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda view: runner.run([view[0]], THRESHOLD, view[1])[0], views))
    expected = [reference.run([view], THRESHOLD, colour)[0] for view, colour, _ in views]
    assert_same(answers, expected)
    assert 1 <= runtime.contexts <= 4


def test_frames_in_the_gpus_memory(host_native, runner, reference):
    memory = host_native.allocate([90, 128, 4], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    gray = memory.reshape(90, 512)[:, :200]
    rows = np.lib.stride_tricks.as_strided(memory, (90, 100, 3), (512, 3, 1))  # as a pitched allocation
    for array in (memory, memory[10:-10, 4:-8], gray, rows):
        expected = reference.run([np.ascontiguousarray(array)], THRESHOLD, "rgb")
        for given in (CudaArray(array), CudaArray(array, stream=2)):
            frame = runner.accept(given)
            assert (frame.shape, frame.ndim, frame.dtype) == (array.shape, array.ndim, np.uint8)
            np.testing.assert_array_equal(np.asarray(frame), array)
            assert_same(runner.run([frame], THRESHOLD, "rgb"), expected)


def test_frames_by_dlpack(host_native, runner, reference):
    memory = host_native.allocate([90, 128, 3], on_device=True)
    memory[:] = np.random.default_rng(1).integers(0, 256, memory.shape)
    given = DlpackArray(runner.accept(CudaArray(memory)))
    frame = runner.accept(given)
    assert given.streams[0] > 2  # one of ours, not a default one
    assert_same(runner.run([frame], THRESHOLD, "bgr"), reference.run([memory], THRESHOLD, "bgr"))


def test_the_stride_of_an_axis_of_one_means_nothing(host_native, runner):
    memory = host_native.allocate([5, 6, 3], on_device=True)
    memory[:] = np.arange(90).reshape(memory.shape)
    for view in (memory[:1], memory[:, :1], memory[:1, :1], memory[..., :1]):
        strides = [1 if side == 1 else stride for side, stride in zip(view.shape, view.strides, strict=True)]
        if view.shape[1] > 1 and view.shape[2] == 1:  # its pixels have gaps
            continue
        frame = runner.accept(CudaArray(view, strides=tuple(strides)))
        np.testing.assert_array_equal(np.asarray(frame), view)


def test_work_under_way_on_a_frame_is_waited_for(host_native, runner, reference):
    memory = host_native.allocate([64, 64, 3], on_device=True)
    memory[:] = 0
    host_native.fill_slowly(1, memory, 255)
    frame = runner.accept(CudaArray(memory))
    expected = reference.run([np.full((64, 64, 3), 255, np.uint8)], THRESHOLD, "bgr")
    assert_same(runner.run([frame], THRESHOLD, "bgr"), expected)


def test_what_is_no_frame_on_this_gpu(host_native, runner, set_up):
    memory = host_native.allocate([90, 128, 3], on_device=True)
    with pytest.raises(FrameError, match=r"^frame: expected pixels without gaps, .* make it contiguous"):
        runner.accept(CudaArray(memory.transpose(1, 0, 2)))
    with pytest.raises(FrameError, match=r"^frame: expected uint8, found <f4; convert it"):
        runner.accept(CudaArray(memory, typestr="<f4"))
    with pytest.raises(FrameError, match=r"^frame: expected H x W x 3, .* found the shape \(90,\)"):
        runner.accept(CudaArray(memory[:, 0, 0], strides=None))
    with pytest.raises(FrameError, match=r"expected memory of cuda:0, found the host's"):
        runner.accept(CudaArray(np.zeros((9, 9), np.uint8)))
    with pytest.raises(
        FrameError, match=r"expected a NumPy array or one in the memory of cuda:0 .* found list"
    ):
        runner.accept([1])
    with pytest.raises(FrameError, match="expected pixels without gaps"):
        runner.accept(CudaArray(memory[:2, ..., 0], strides=(1 << 32, 1)))
    set_up(gpus=2)
    second, elsewhere = (
        host_native.Device(1),
        r"memory of cuda:{}, found cuda:{}'s; copy it, or use a segmenter",
    )
    for given in (CudaArray(memory), DlpackArray(memory), runner.accept(CudaArray(memory))):
        with pytest.raises(FrameError, match=elsewhere.format(1, 0)):
            second.wrap(given)
    with pytest.raises(FrameError, match=elsewhere.format(0, 1)):
        runner.accept(DlpackArray(memory, 1))
    set_up(foreign_pointer=memory.ctypes.data)
    with pytest.raises(FrameError, match=r"cuda:0's primary context, .* import pycuda\.autoprimaryctx"):
        runner.accept(CudaArray(memory))
    set_up()
    frame = runner.accept(CudaArray(memory.reshape(90, 64, 6)))
    with pytest.raises(FrameError, match=r"found 90 x 64 x 6"):
        runner.run([frame], THRESHOLD, "bgr")


def test_masks_that_stay(runner, reference):
    views = [view for view, colour, _ in pictures(6, 20) if colour == "bgr"][:5]
    masks = runner.masks_on_device(views, THRESHOLD, "bgr")
    for mask, (expected, probability) in zip(masks, reference.run(views, THRESHOLD, "bgr"), strict=True):
        interface = mask.__cuda_array_interface__
        assert (interface["shape"], interface["typestr"], interface["version"]) == (expected.shape, "|u1", 3)
        pointer = ctypes.cast(interface["data"][0], ctypes.POINTER(ctypes.c_uint8))
        there = np.ctypeslib.as_array(pointer, expected.shape)  # this GPU's memory is the host's
        np.testing.assert_array_equal(there, np.asarray(mask))
        assert_same([(mask, probability)], [(expected, probability)])
        assert mask.__dlpack_device__() == (2, 0)
        np.testing.assert_array_equal(np.asarray(runner.accept(DlpackArray(mask))), there)


def test_a_mask_on_the_gpu_is_never_copied_unasked(runner):
    (mask,) = runner.masks_on_device([np.zeros((9, 8, 3), np.uint8)], THRESHOLD, "bgr")
    with pytest.raises(ValueError, match="without a copy"):
        mask.__array__(copy=False)
    with pytest.raises(BufferError, match="never as a copy"):
        mask.__dlpack__(copy=True)
    with pytest.raises(BufferError, match="where it lies"):
        mask.__dlpack__(dl_device=(1, 0))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_mask_tints_a_picture_on_the_gpu(host_native, runner, channels):
    colour, share = (10, 200, 90), 0.25
    memory = host_native.allocate([70, 64, channels], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    before = memory.copy()
    (mask,) = runner.masks_on_device([memory], THRESHOLD, "bgr")
    host_native.fill_slowly(1, memory[:1], 7)  # of the legacy default stream, for which the tint waits
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


def test_answers_that_are_no_probabilities(open_engine):
    runner, runtime = open_engine(graphs=False)
    frame = np.zeros((9, 9, 3), np.uint8)
    for answer in (float("nan"), -0.5, 1.5):
        runtime.answer = answer
        for run in (runner.run, runner.masks_on_device):
            with pytest.raises(FrameError, match=r"^probability: expected values within \[0, 1\], found"):
                run([frame], THRESHOLD, "bgr")


@pytest.mark.parametrize("answer", [1 + 2**-20, -(2.0**-20)])
def test_a_sigmoid_that_rounds_outside_0_and_1(open_engine, answer):
    runner, runtime = open_engine(graphs=False)
    runtime.answer = answer
    ((mask, probability),) = runner.run([np.zeros((9, 9, 3), np.uint8)], THRESHOLD, "bgr")
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
        runner.run([large], THRESHOLD, "bgr")
    assert_same(runner.run([small], THRESHOLD, "bgr"), reference.run([small], THRESHOLD, "bgr"))
    set_up(memory_bytes=1)
    with pytest.raises(AernetError, match=r"^cuda:0: opening the GPU: out of memory; close other programs"):
        set_up.native.Device(0)


def test_a_lost_gpu(runner, set_up):
    job = runner.submit(np.zeros((40, 30, 3), np.uint8), THRESHOLD, "bgr")
    set_up(is_lost=True)
    for _ in range(2):
        with pytest.raises(
            AernetError, match=r"^cuda:0: waiting for a mask: .* the GPU is lost to this process"
        ):
            job.result()


def test_memory_is_flat_and_all_of_it_comes_back(host_native, open_engine):
    gc.collect()
    before = host_native.counts()
    runner, _ = open_engine()
    views = pictures(7, 20)
    counted = []
    for _ in range(3):
        for view, colour, _ in views:
            runner.run([view], THRESHOLD, colour)
            runner.masks_on_device([view], THRESHOLD, colour)
        runner.run([view for view, colour, _ in views if colour == "bgr"], THRESHOLD, "bgr")
        counted.append(host_native.counts())
    assert counted[1] == counted[2]
    assert counted[2]["pushed"] == 0
    del runner
    gc.collect()
    assert host_native.counts() == before


def test_times_and_floor(runner):
    frame = np.zeros((400, 500, 3), np.uint8)
    times = runner.times(frame)
    assert list(times) == ["copy in", "preprocess", "engine", "mask", "copy out"]
    assert all(0 < value < 10_000 for value in times.values())
    floor = runner.floor(frame)
    assert list(floor) == ["engine", "plain copies"]
    assert all(value > 0 for value in floor.values())


def test_an_engine_is_compared_with_its_model(open_engine, reference, examples):
    runner, runtime = open_engine()
    verification = verify(runner, reference, examples)
    assert load_manifest(runner.engine).verification == verification
    assert verification.passed
    assert verification.pictures == len(examples)
    assert verification.runtime == f"TensorRT-RTX {VERSION} on cuda:0"
    assert set(runtime.enqueued) == {1}  # TensorRT-RTX compiles for each size of batch
    with pytest.raises(SourceError, match=r"absent\.jpg"):
        verify(runner, reference, [examples[0], examples[0].with_name("absent.jpg")])


@pytest.mark.parametrize("answer", [0.0, float("nan")])
def test_an_engine_that_gives_something_else_is_refused_from_then_on(
    open_engine, reference, network, examples, answer
):
    runner, runtime = open_engine(graphs=False)
    runtime.answer = answer
    with pytest.raises(
        EngineError, match=r"expected a mean Dice .* build it in fp32: aernet-trt build-engine"
    ):
        verify(runner, reference, examples)
    assert not load_manifest(runner.engine).verification.passed
    with pytest.raises(EngineError, match="expected a mean Dice"):
        TensorRtRunner(runner.engine, model=network)


def test_an_engine_in_a_folder_that_is_not_ours(open_engine, reference, examples, monkeypatch, caplog):
    def refuse(*_):
        raise AernetError("cannot be written")

    monkeypatch.setattr(aernet.runners.tensorrt, "record_verification", refuse)
    assert verify(open_engine()[0], reference, examples).passed
    (record,) = caplog.records
    assert "cannot be written" in record.getMessage()
    assert "is compared with its model each time" in record.getMessage()


def test_a_gpu_that_is_not_there(network, set_up, tmp_path):
    engine = write_crafted(tmp_path / "darker.engine", network)
    with pytest.raises(
        AernetError, match=r"^cuda:1: choosing the GPU: .* 'aernet-trt doctor' lists the GPUs"
    ):
        TensorRtRunner(engine, 1)
    set_up(gpus=0)
    with pytest.raises(AernetError, match=r"this build needs a driver for CUDA \d+\.\d+, found none"):
        TensorRtRunner(engine)


@pytest.mark.usefixtures("set_up")
def test_an_extension_without_cuda(host_native, network, tmp_path, monkeypatch):
    monkeypatch.setattr(host_native, "cuda_version", None)
    engine = write_crafted(tmp_path / "darker.engine", network)
    with pytest.raises(EngineError, match="this aernet was built without CUDA"):
        TensorRtRunner(engine)


def test_the_size_is_the_models(runner):
    assert runner.card.size == SIZE
    assert (runner.device, runner.runtime) == ("cuda:0", f"TensorRT-RTX {VERSION}")
