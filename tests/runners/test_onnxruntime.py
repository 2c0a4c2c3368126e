from __future__ import annotations

import shutil
import sys
import threading
import time

import cv2
import numpy as np
import onnxruntime
import pytest

from aernet import AernetError, FrameError, ModelError, set_num_threads
from aernet._native import get_num_threads
from aernet.arrays import picture_size
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.providers import cuda

CUDA = "CUDAExecutionProvider"


@pytest.fixture(scope="module")
def runner(model):
    return OnnxRuntimeRunner(model)


def test_a_gpu_without_the_cuda_provider(model, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(AernetError, match=rf"is without {CUDA}; pip install onnxruntime-gpu"):
        OnnxRuntimeRunner(model, cuda(0))


@pytest.fixture
def sessions(monkeypatch):
    """The providers that sessions are asked for, where the CUDA provider is there; they run on the CPU."""
    asked = []
    real = onnxruntime.InferenceSession

    def session(model, options, providers, **given):
        asked.append(providers)
        return real(model, options, ["CPUExecutionProvider"], **given)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, "CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(
        onnxruntime, "preload_dlls", lambda: sys.stdout.write("a library is missing"), raising=False
    )
    return asked


def test_a_provider_that_does_not_start(model, sessions, capsys):
    with pytest.raises(AernetError, match=r"cannot use cuda:1, for want of CUDA or cuDNN; pip install"):
        OnnxRuntimeRunner(model, cuda(1))
    ((gpu, options),) = sessions[0]
    assert (gpu, options["device_id"]) == (CUDA, 1)
    assert capsys.readouterr().out == ""


def test_a_provider_that_starts(model, sessions, monkeypatch):
    monkeypatch.setattr(
        onnxruntime.capi.onnxruntime_inference_collection.Session, "get_providers", lambda _: [CUDA]
    )
    runner = OnnxRuntimeRunner(model, cuda(1))
    assert (runner.device, len(sessions)) == ("cuda:1", 1)
    frame = np.full((30, 40, 3), 200, np.uint8)
    (prediction,) = runner.predict([frame], "bgr")
    np.testing.assert_array_equal(prediction.mask(30, 40, 0.5), 0)


def test_a_model_that_is_none(tmp_path):
    path = tmp_path / "none.onnx"
    path.write_text("none")
    with pytest.raises(ModelError, match="expected an ONNX model, found something else"):
        OnnxRuntimeRunner(path)


def test_a_run_that_fails(runner, monkeypatch):
    class Failing:
        def run(self, *_):
            raise RuntimeError("CUDA error 2: out of memory\nand much more")

    monkeypatch.setattr(runner, "_session", Failing())
    with pytest.raises(AernetError, match=r"^ONNX Runtime .* fails on cpu: CUDA error 2: out of memory$"):
        runner.predict([np.zeros((9, 9, 3), np.uint8)], "bgr")


def test_nv12(runner, examples):
    picture = cv2.resize(cv2.imread(str(examples[0])), (220, 160), interpolation=cv2.INTER_AREA)
    i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    nv12 = i420.copy()
    nv12[160:] = i420[160:].reshape(2, -1).T.reshape(80, 220)  # the chroma side by side
    decoded = cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420)
    (prediction,) = runner.predict([nv12], "nv12")
    (expected,) = runner.predict([decoded], "bgr")
    assert picture_size(prediction.frame, "nv12") == (160, 220)
    np.testing.assert_array_equal(prediction.mask(160, 220, 0.5), expected.mask(160, 220, 0.5))
    np.testing.assert_array_equal(prediction.to_host(), expected.to_host())


@pytest.mark.parametrize("shape", [(30, 41), (31, 40), (30, 40, 1), (30, 40, 3)])
def test_what_is_no_nv12(runner, shape):
    with pytest.raises(FrameError, match=r"^frame: expected NV12, uint8, \(H \* 3 / 2\) x W with even sides"):
        runner.predict([np.zeros(shape, np.uint8)], "nv12")


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_submitted_frames_are_answered_as_others(model):
    runner = OnnxRuntimeRunner(model)
    frames = [np.full((9, 9 + index, 3), 20 * index, np.uint8) for index in range(6)]
    futures = [runner.submit([frame], "bgr") for frame in frames]
    for frame, future in zip(frames, futures, strict=True):
        (expected,) = runner.predict([frame], "bgr")
        for _ in range(2):
            (prediction,) = future.result()
            assert prediction.frame is frame
            size = frame.shape[:2]
            np.testing.assert_array_equal(prediction.mask(*size, 0.5), expected.mask(*size, 0.5))
            np.testing.assert_array_equal(prediction.to_host(), expected.to_host())


def test_a_submitted_batch_is_each_frame_by_itself(runner):
    frames = [np.full((9, 9 + index, 3), 20 * index, np.uint8) for index in range(6)]
    predictions = runner.submit(frames, "bgr").result()
    for frame, prediction in zip(frames, predictions, strict=True):
        (expected,) = runner.predict([frame], "bgr")
        np.testing.assert_allclose(prediction.to_host(), expected.to_host(), atol=1e-6)


@pytest.fixture
def gate(monkeypatch):
    """Holds the network back until it is set; counts who waits there."""
    gate, infer = threading.Event(), OnnxRuntimeRunner._predictions
    gate.waiting = 0

    def held(runner, *arguments):
        gate.waiting += 1
        assert gate.wait(60)
        return infer(runner, *arguments)

    monkeypatch.setattr(OnnxRuntimeRunner, "_predictions", held)
    return gate


@pytest.mark.parametrize("threads", [2], indirect=True)
def test_two_submitted_frames_run_beside_one_another_and_a_third_waits(model, threads, gate):
    runner = OnnxRuntimeRunner(model)
    frame = np.zeros((9, 9, 3), np.uint8)
    gate.set()  # for what the first does for all
    first = runner.submit([frame], "bgr")
    first.result()
    gate.clear()
    before = gate.waiting
    futures = [runner.submit([frame], "bgr") for _ in range(threads)]
    end = time.monotonic() + 60
    while gate.waiting < before + threads:
        assert time.monotonic() < end
        time.sleep(0.001)
    third = threading.Thread(target=lambda: futures.append(runner.submit([frame], "bgr")))
    third.start()
    third.join(0.2)
    assert len(futures) == threads
    gate.set()
    third.join(60)
    assert len(futures) == threads + 1
    for future in futures:
        np.testing.assert_array_equal(future.result()[0].to_host(), first.result()[0].to_host())


def test_a_submitted_frame_that_breaks_the_contract_is_refused_at_once(runner):
    with pytest.raises(FrameError, match="found float32"):
        runner.submit([np.zeros((9, 9, 3), np.float32)], "bgr")


def test_a_submitted_run_that_fails(model, monkeypatch):
    runner = OnnxRuntimeRunner(model)
    runner.submit([np.zeros((9, 9, 3), np.uint8)], "bgr").result()
    monkeypatch.setattr(onnxruntime.InferenceSession, "run", lambda *_: 1 / 0)
    for _ in range(4):
        future = runner.submit([np.zeros((9, 9, 3), np.uint8)], "bgr")
        with pytest.raises(AernetError, match=r"^ONNX Runtime .* fails on cpu: division by zero$"):
            future.result()


@pytest.mark.usefixtures("threads")
def test_a_model_that_is_replaced_is_not_mixed_with_the_new_one(model, tmp_path):
    copy = tmp_path / "copy.onnx"
    shutil.copy(model, copy)
    runner = OnnxRuntimeRunner(copy)
    copy.write_text("another")
    frame = np.zeros((9, 9, 3), np.uint8)
    (submitted,) = runner.submit([frame], "bgr").result()
    np.testing.assert_array_equal(submitted.to_host(), runner.predict([frame], "bgr")[0].to_host())


def test_the_workers_end_with_the_runner(model):
    before = set(threading.enumerate())
    runner = OnnxRuntimeRunner(model)
    runner.submit([np.zeros((9, 9, 3), np.uint8)], "bgr").result()
    workers = set(threading.enumerate()) - before
    assert workers
    del runner
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
