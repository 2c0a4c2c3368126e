"""The other providers of ONNX Runtime, with the CPU's in their place."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections import Counter

import numpy as np
import onnxruntime
import pytest

import aernet.runners.first_load
from aernet import AernetError, EngineError, Segmenter, set_num_threads
from aernet._native import get_num_threads
from aernet.pictures import example_pictures
from aernet.runners.choice import choose_runner
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.providers import OTHERS, openvino

NAMES = {
    "openvino": "OpenVINOExecutionProvider",
    "openvino:gpu": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}


class StandIn:
    """An ONNX Runtime with every provider, each of which is the CPU's; `broken` ones cannot be started."""

    def __init__(self, monkeypatch):
        self.asked, self.patterns, self.broken, self.model = [], [], set(), None
        real = onnxruntime.InferenceSession
        stand_in = self

        class Session(real):
            def __init__(self, model, options, providers, **given):
                ((self.named, settings),) = providers
                stand_in.asked.append((self.named, settings))
                stand_in.patterns.append(options.enable_mem_pattern)
                elsewhere = stand_in.model and self.named != "CPUExecutionProvider"
                model = stand_in.model if elsewhere else model
                super().__init__(model, options, ["CPUExecutionProvider"], **given)

            def get_providers(self):
                return [] if self.named in stand_in.broken else [self.named]

        there = ["CPUExecutionProvider", *NAMES.values()]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)

    def sessions(self):
        return Counter(name for name, _ in self.asked)


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return StandIn(monkeypatch)


@pytest.mark.parametrize("device", NAMES)
def test_each_device_has_its_provider_and_the_masks_of_the_cpu(model, stand_in, device):
    assert NAMES.keys() == OTHERS.keys()
    with Segmenter(model, device) as segmenter, Segmenter(model, "cpu") as on_cpu:
        assert segmenter.device == device
        assert segmenter.runtime.startswith(f"ONNX Runtime {onnxruntime.__version__}, ")
        picture = example_pictures()[0]
        expected = on_cpu(picture).mask
        assert expected.any()
        np.testing.assert_array_equal(segmenter(picture).mask, expected)
        np.testing.assert_array_equal(segmenter.submit(picture).result().mask, expected)
    assert stand_in.sessions()[NAMES[device]] >= 1
    assert choose_runner(model, device).why == f"{device} was asked for"


@pytest.mark.usefixtures("stand_in")
def test_auto_takes_none_of_them(model):
    assert choose_runner(model, "auto").runner.device == "cpu"


@pytest.mark.parametrize("device", NAMES)
def test_what_this_onnx_runtime_lacks(model, monkeypatch, device):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    message = rf"^ONNX Runtime {re.escape(onnxruntime.__version__)} is without {NAMES[device]}; \S.*$"
    with pytest.raises(AernetError, match=message):
        Segmenter(model, device)


@pytest.mark.parametrize("device", NAMES)
def test_a_provider_that_does_not_start(model, stand_in, device):
    stand_in.broken.add(NAMES[device])
    with pytest.raises(AernetError, match=rf"cannot use {device}, which wants \S.*; use 'cpu'$"):
        Segmenter(model, device)


def test_masks_are_compared_at_the_first_load_alone(model, stand_in, monkeypatch, tmp_path):
    for _ in range(3):
        Segmenter(model, "coreml").close()
    assert stand_in.sessions() == {"CoreMLExecutionProvider": 3, "CPUExecutionProvider": 1}
    Segmenter(model, "directml").close()  # another provider is another matter
    assert stand_in.sessions()["CPUExecutionProvider"] == 2
    monkeypatch.setattr(onnxruntime, "__version__", "99.1")  # so is another version
    Segmenter(model, "coreml").close()
    assert stand_in.sessions()["CPUExecutionProvider"] == 3
    for outcome in (tmp_path / "cache").rglob("*.json"):
        outcome.write_text("{")
    Segmenter(model, "coreml").close()
    assert stand_in.sessions()["CPUExecutionProvider"] == 4


def test_another_model_is_compared_for_itself(model, write_model, tmp_path, stand_in):
    for path in (model, write_model(tmp_path / "other.onnx", bias=10.0)):
        Segmenter(path, "coreml").close()
    assert stand_in.sessions()["CPUExecutionProvider"] == 2


def test_other_masks_than_the_cpus_are_refused_at_each_start(model, write_model, tmp_path, stand_in):
    stand_in.model = write_model(tmp_path / "other.onnx", bias=9.0).read_bytes()
    for _ in range(2):
        with pytest.raises(
            EngineError, match=r"dark\.onnx on coreml: expected a mean Dice .*; use device='cpu'$"
        ):
            Segmenter(model, "coreml")
    assert stand_in.sessions()["CPUExecutionProvider"] == 1


@pytest.mark.usefixtures("stand_in")
def test_a_cache_that_cannot_be_written(model, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with Segmenter(model, "coreml") as segmenter:
        assert segmenter.device == "coreml"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith("coreml is compared with the CPU at each start")


@pytest.fixture
def threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def test_openvino_has_as_many_streams_as_runs_fit_beside_one_another(threads, model, stand_in, monkeypatch):
    monkeypatch.setattr(aernet.runners.providers, "_CORES", 8)
    for count, streams in ((8, "1"), (4, "2"), (3, "2"), (1, "8"), (16, "1")):
        threads(count)
        OnnxRuntimeRunner(model, openvino("f32"))
        settings = json.loads(stand_in.asked[-1][1]["load_config"])["CPU"]
        assert settings["NUM_STREAMS"] == streams
        assert settings["INFERENCE_NUM_THREADS"] == str(int(streams) * count)
        assert settings["INFERENCE_PRECISION_HINT"] == "f32"


def test_directml_runs_one_thing_at_a_time(model, stand_in, monkeypatch):
    runner = OnnxRuntimeRunner(model, OTHERS["directml"])
    assert stand_in.patterns[-1] is False
    image = np.zeros((1, 3, runner.card.size, runner.card.size), np.float32)
    running, most, entered, gate = 0, 0, threading.Event(), threading.Event()
    real = type(runner._session).run

    def run(session, *given):
        nonlocal running, most
        running += 1
        most = max(most, running)
        entered.set()
        assert gate.wait(60)
        answer = real(session, *given)
        running -= 1
        return answer

    monkeypatch.setattr(type(runner._session), "run", run)
    several = [threading.Thread(target=runner.infer, args=(image,)) for _ in range(3)]
    for thread in several:
        thread.start()
    assert entered.wait(60)
    gate.set()
    for thread in several:
        thread.join(60)
        assert not thread.is_alive()
    assert most == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_what_is_on_a_gpu_does_not_survive_a_fork(model, stand_in):
    assert stand_in.sessions() == {}
    for device, lives in (("openvino", True), ("coreml", False)):
        segmenter = Segmenter(model, device)
        segmenter._after_fork()
        if lives:
            assert segmenter(example_pictures()[0]).mask.any()
        else:
            with pytest.raises(AernetError, match="made before a fork, which no GPU survives"):
                segmenter(example_pictures()[0])
