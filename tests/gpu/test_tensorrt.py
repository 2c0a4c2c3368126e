"""The engine of the bundled model in a real TensorRT, against ONNX Runtime on the CPU."""

from __future__ import annotations

import json
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from runners.planes import answers

from aernet import Segmenter
from aernet.engine.manifest import load_manifest
from aernet.evaluation.metrics import score
from aernet.models import resolve_model
from aernet.runners.tensorrt import TensorRtRunner

pytestmark = pytest.mark.gpu

LEAST_DICE = 0.999


@pytest.fixture(scope="module")
def expected(on_cpu, real_frames):
    return [on_cpu(frame) for frame in real_frames]


def assert_agrees(results, expected):
    """The mean is the requirement; a single small mask may turn on a few pixels."""
    assert len(results) == len(expected)
    found = [
        score(np.asarray(result), wanted.mask).dice for result, wanted in zip(results, expected, strict=True)
    ]
    assert np.mean(found) >= LEAST_DICE
    assert min(found) >= 0.99


def test_the_command_verified_it(engine):
    manifest = load_manifest(engine)
    assert manifest.precision == "fp16"
    assert manifest.verification.passes("fp16")
    assert "cuda:0" in manifest.verification.runtime


def test_auto_takes_the_engine_and_says_nothing(engine, on_gpu, caplog):
    caplog.set_level(logging.WARNING)
    with Segmenter() as segmenter:
        assert (segmenter.device, segmenter.runtime) == ("cuda:0", on_gpu.runtime)
        assert segmenter.runner.engine == engine
    assert caplog.records == []


def test_masks(on_gpu, real_frames, expected):
    results = [on_gpu(frame) for frame in real_frames]
    assert_agrees([result.mask for result in results], expected)
    for result, wanted in zip(results, expected, strict=True):
        assert np.abs(result.probability - wanted.probability).max() < 0.05
        assert result.latency_ms > 0


def test_graphs_and_the_eager_path_give_the_same(engine, on_gpu, real_frames):
    eager = TensorRtRunner(engine, graphs=False)
    for frame in real_frames:
        ((mask, probability),) = answers(eager, [frame], threshold=on_gpu.threshold)
        result = on_gpu(frame)
        np.testing.assert_array_equal(mask, result.mask)
        np.testing.assert_array_equal(probability, result.probability)


def test_the_engine_was_captured(on_gpu):
    from aernet._native import Graph

    lane = on_gpu.runner._lanes[0]
    assert isinstance(lane.network(1), Graph)


def test_batches(on_gpu, real_frames, expected):
    for count in (1, 2, len(real_frames)):
        results = on_gpu.batch(real_frames[:count])
        assert_agrees([result.mask for result in results], expected[:count])


def test_threads(on_gpu, real_frames, expected):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(on_gpu, real_frames * 5))
    assert_agrees([result.mask for result in results], expected * 5)


def test_two_frames_under_way(on_gpu, real_frames, expected):
    under_way, results = deque(), []
    for frame in real_frames:
        under_way.append(on_gpu.submit(frame))
        if len(under_way) == 2:
            results.append(under_way.popleft().result())
    results.append(under_way.popleft().result())
    assert_agrees([result.mask for result in results], expected)


def test_masks_that_stay(on_gpu, real_frames, expected):
    assert_agrees(on_gpu.masks_on_device(real_frames), expected)


def test_a_frame_on_the_gpu(on_gpu, on_cpu, real_frames):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    frame = np.ascontiguousarray(real_frames[5])
    result = on_gpu(torch.from_numpy(frame).cuda())
    np.testing.assert_array_equal(np.asarray(result.frame), frame)
    np.testing.assert_array_equal(result.mask, on_gpu(frame).mask)
    np.testing.assert_array_equal(result.overlay(), on_gpu(frame).overlay())
    assert_agrees([result.mask], [on_cpu(frame)])


def test_another_segmenter_beside_it(on_gpu, real_frames, expected):
    with Segmenter(resolve_model("aernet"), device="cuda:0") as other:
        results = [segmenter(frame).mask for frame in real_frames for segmenter in (on_gpu, other)]
    assert_agrees(results[::2], expected)
    assert_agrees(results[1::2], expected)


@pytest.mark.usefixtures("engine")
def test_the_benchmark(command):
    answer = command("benchmark", "--seconds", "3", "--device", "cuda", "--json")
    assert answer.returncode == 0, answer.stderr
    figures = json.loads(answer.stdout)
    assert figures["machine"]["gpu"]
    assert "MHz" in figures["machine"]["clocks"]
    assert {"frame to mask", "copy in", "engine", "floor: engine", "floor: plain copies"} <= set(
        figures["milliseconds"]
    )
    assert figures["times_the_floor"] > 0


@pytest.mark.usefixtures("engine")
def test_doctor(command):
    answer = command("doctor", "--json")
    assert answer.returncode == 0, answer.stderr
    diagnosis = json.loads(answer.stdout)
    checks = {check["name"]: check for check in diagnosis["checks"]}
    assert checks["gpu 0"]["state"] == checks["tensorrt"]["state"] == "ok"
    assert diagnosis["use"]["device"] == "cuda:0"
    assert diagnosis["use"]["runtime"].startswith("TensorRT")
    assert diagnosis["use"]["refusals"] == []
