"""The TensorRT runner over the fake CUDA runtime and a fake TensorRT."""

from __future__ import annotations

import gc
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from engine.models import write_crafted
from fakes.arrays import CudaArray
from fakes.tensorrt import SIZE, VERSION
from nv12 import picture_of, random_planes
from runners.answers import THRESHOLD, assert_same, pictures, read, run
from runners.planes import masks_on_device
from typer.testing import CliRunner

import aernet.runners.choice
import aernet.runners.comparison
import aernet.runners.tensorrt
import aernet.segmenter
from aernet import AernetError, EngineError, FrameError, Nv12Frame, Segmenter, SourceError
from aernet.cli.app import app
from aernet.cli.timing import measurements
from aernet.engine.gpu import Gpu
from aernet.engine.manifest import load_manifest
from aernet.runners.choice import Choice
from aernet.runners.comparison import compare_with_model
from aernet.runners.tensorrt import TensorRtRunner
from aernet.runners.warn_once import warn_once


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
    gray = np.broadcast_to(frame[..., :1], frame.shape)
    for view in (frame, frame[::-1], frame[:, ::-1], frame[..., ::-1], frame[:, :1000], gray):
        assert_same(run(runner, [view]), run(reference, [view]))


@pytest.mark.parametrize("integrated", [False, True])
def test_page_locked_frames(fake_native, runner, reference, set_up, integrated):
    set_up(is_integrated=integrated)
    memory = fake_native.allocate([150, 170, 4], on_device=False)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    for view in (memory, memory[20:-20, 7:-9], memory[..., :3], memory[..., 0], memory[::-1]):
        assert_same(run(runner, [view]), run(reference, [view]))


@pytest.mark.parametrize("integrated", [False, True])
def test_nothing_is_read_behind_a_page_locked_frame(fake_native, runner, reference, set_up, integrated):
    """Of the last pixel of a reversed view, the byte that does not count is on another page."""
    set_up(is_integrated=integrated)
    memory = fake_native.allocate([64, 64, 4], on_device=False)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    for view in (memory, memory[..., ::-1], memory[..., :0:-1], memory[..., 2::-1]):
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


def test_a_segmenter_on_a_gpu_keeps_the_largest_region_as_one_on_the_cpu_does(runner, reference, monkeypatch):
    frame = np.full((120, 160, 3), 230, np.uint8)
    for centre, radius in (((60, 60), 40), ((130, 30), 12)):
        cv2.circle(frame, centre, radius, (20, 20, 20), cv2.FILLED)
    masks = {}
    for name, plane in (("cpu", reference), ("gpu", runner)):
        monkeypatch.setattr(aernet.segmenter, "open_runner", lambda *_, plane=plane: plane)
        for keep in ("all", "largest"):
            with Segmenter(threshold=THRESHOLD, keep=keep) as segmenter:
                masks[name, keep] = segmenter(frame).mask
    assert cv2.connectedComponents(masks["gpu", "all"])[0] == 3
    assert cv2.connectedComponents(masks["gpu", "largest"])[0] == 2
    assert np.mean(masks["gpu", "largest"] != masks["cpu", "largest"]) < 1e-3


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


def test_an_engine_is_compared_with_its_model(open_engine, reference, examples):
    runner, runtime = open_engine()
    verification = compare_with_model(runner, reference, examples)
    assert load_manifest(runner.engine).verification == verification
    assert verification.passes("fp16")
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
    assert not load_manifest(runner.engine).verification.passes("fp16")
    with pytest.raises(EngineError, match="expected a mean Dice"):
        TensorRtRunner(runner.engine, model=network)


def test_an_engine_in_a_folder_that_is_not_ours(open_engine, reference, examples, monkeypatch, caplog):
    def refuse(*_):
        raise AernetError("cannot be written")

    monkeypatch.setattr(aernet.runners.comparison, "record_verification", refuse)
    assert compare_with_model(open_engine()[0], reference, examples).passes("fp16")
    (record,) = caplog.records
    assert "cannot be written" in record.getMessage()
    assert "is compared with its model each time" in record.getMessage()


def test_an_engine_that_others_may_change_is_loaded_with_a_warning(open_engine, tmp_path, caplog):
    warn_once.cache_clear()
    tmp_path.chmod(0o777)
    open_engine()
    (record,) = caplog.records
    assert f"other users may change {tmp_path}, and an engine is code" in record.getMessage()
    tmp_path.chmod(0o700)
    open_engine()
    assert len(caplog.records) == 1


def test_a_gpu_that_is_not_there(network, set_up, tmp_path, monkeypatch):
    monkeypatch.setattr(aernet.runners.tensorrt, "find_gpu", lambda *_: Gpu("a card", "8.9", 128))
    engine = write_crafted(tmp_path / "darker.engine", network)
    with pytest.raises(
        AernetError, match=r"^cuda:1: choosing the GPU: .* 'aernet-trt doctor' lists the GPUs"
    ):
        TensorRtRunner(engine, 1)
    set_up(gpus=0)
    advice = r"found none; install one, or use the ONNX model with device='cpu'$"
    with pytest.raises(AernetError, match=rf"this build needs a driver for CUDA \d+\.\d+, {advice}"):
        TensorRtRunner(engine)
    monkeypatch.setattr(aernet.runners.tensorrt, "find_gpu", lambda *_: None)
    with pytest.raises(EngineError, match=r"name its model instead of the engine: .*, with device='cpu'$"):
        TensorRtRunner(engine)


def test_the_gpu_that_must_match_is_the_one_asked_for(network, set_up, tmp_path, monkeypatch):
    set_up(gpus=2)
    gpus = [Gpu("first", "8.9", 128), Gpu("second", "7.5", 82, None, 1)]
    monkeypatch.setattr(aernet.runners.tensorrt, "find_gpu", lambda index=0: gpus[index])
    engine = write_crafted(tmp_path / "darker.engine", network)
    with pytest.raises(EngineError, match=r"this machine's second has 7\.5; .* --device cuda:1$"):
        TensorRtRunner(engine, 1)


@pytest.mark.usefixtures("set_up")
def test_an_extension_without_cuda(fake_native, network, tmp_path, monkeypatch):
    monkeypatch.setattr(fake_native, "cuda_version", None)
    engine = write_crafted(tmp_path / "darker.engine", network)
    with pytest.raises(EngineError, match="this aernet was built without CUDA"):
        TensorRtRunner(engine)


def test_the_size_is_the_models(runner):
    assert runner.card.size == SIZE
    assert (runner.device, runner.runtime) == ("cuda:0", f"TensorRT-RTX {VERSION}")
