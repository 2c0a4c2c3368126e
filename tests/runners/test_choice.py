from __future__ import annotations

import logging
import re

import numpy as np
import onnxruntime
import pytest
from engine.models import write_crafted, write_network
from fakes.tensorrt import VERSION

import aernet.engine.adapter
import aernet.engine.gpu
import aernet.runners.onnxruntime
import aernet.runners.tensorrt
from aernet import AernetError, EngineError, Segmenter
from aernet.engine.agreement import Agreement
from aernet.engine.folders import default_engine_path
from aernet.engine.gpu import Gpu
from aernet.engine.manifest import load_manifest, record_verification
from aernet.runners.choice import choose_runner, open_runner
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.providers import CPU


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def cached_engine_path(runtime="tensorrt-rtx", gpu=None):
    return default_engine_path("darker", runtime, VERSION, gpu)


@pytest.fixture(autouse=True)
def runtimes(monkeypatch):
    monkeypatch.setattr(aernet.engine.adapter, "installed_runtimes", lambda: {"tensorrt-rtx": VERSION})


@pytest.fixture
def network(tmp_path):
    return write_network(tmp_path / "darker.onnx")


@pytest.fixture
def gpu(monkeypatch):
    """A machine that has a GPU, as far as the driver tells."""
    monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: Gpu("a card", "8.9", 16))


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: None)


@pytest.fixture
def tensorrt(network, monkeypatch):
    """Let ONNX Runtime stand for TensorRT; returns the engines that were opened."""
    opened = []

    class Pretended(OnnxRuntimeRunner):
        def __init__(self, engine, index=0, *, model=None):
            super().__init__(network)
            opened.append((engine, index, model))
            self.engine, self.manifest = engine, load_manifest(engine)
            self.runtime, self.device = "TensorRT", f"cuda:{index}"

    monkeypatch.setattr(aernet.runners.tensorrt, "TensorRtRunner", Pretended)
    return opened


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_the_cpu_is_taken_and_nothing_is_said(network, caplog):
    choice = choose_runner(network, "auto")
    assert choice.runner.device == "cpu"
    assert choice.why == "there is no NVIDIA GPU, or no driver for it"
    assert choice.refusals == ()
    open_runner(network, "auto")
    assert caplog.records == []


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_that_was_asked_for_and_is_not_there(network):
    for device in ("cuda", "cuda:1"):
        with pytest.raises(AernetError, match=rf"^device '{device}': no NVIDIA GPU, or no driver for it"):
            choose_runner(network, device)


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", ""])
def test_a_device_that_is_none(network, device):
    message = re.escape(f"device {device!r}: not available; expected one of auto, cpu, cuda, cuda:1")
    with pytest.raises(AernetError, match=f"^{message}"):
        choose_runner(network, device)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("device", "index"), [("auto", 0), ("cuda", 0), ("cuda:2", 2)])
def test_the_engine_that_was_built_comes_first(network, tensorrt, device, index):
    engine = write_crafted(cached_engine_path(), network)
    choice = choose_runner(network, device)
    assert (choice.runner.runtime, choice.runner.device) == ("TensorRT", f"cuda:{index}")
    assert choice.why == "the GPU, with an engine that passed its checks"
    assert tensorrt == [(engine, index, network)]
    assert load_manifest(engine).verification.passes("fp16")  # the first load compares


@pytest.mark.usefixtures("gpu")
def test_the_cpu_that_was_asked_for(network, tensorrt):
    assert choose_runner(network, "cpu").runner.device == "cpu"
    assert tensorrt == []


@pytest.mark.usefixtures("gpu")
def test_what_a_gpu_lacks_is_said_once(network, caplog):
    for _ in range(2):
        assert open_runner(network, "auto").device == "cpu"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "has no engine yet; 'aernet-trt build-engine" in said[0]
    assert "pip install onnxruntime-gpu" in said[1]
    on = f"ONNX Runtime {onnxruntime.__version__} on cpu"
    assert all(message.endswith(f"; {on} runs it instead") for message in said)
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


@pytest.mark.usefixtures("gpu")
def test_an_engine_that_is_refused(network, monkeypatch):
    def refuse(*_, **__):
        raise EngineError("built for another card; build it again")

    monkeypatch.setattr(aernet.runners.tensorrt, "TensorRtRunner", refuse)
    write_crafted(cached_engine_path(), network)
    choice = choose_runner(network, "auto")
    assert choice.runner.device == "cpu"
    assert choice.refusals[0] == "built for another card; build it again"
    with pytest.raises(AernetError, match=r"^device 'cuda': built for another card; .*onnxruntime-gpu"):
        choose_runner(network, "cuda")


@pytest.mark.usefixtures("gpu")
def test_where_one_engine_is_refused_the_next_is_tried(network, tensorrt, monkeypatch):
    runtimes = {"tensorrt-rtx": VERSION, "tensorrt": VERSION}
    monkeypatch.setattr(aernet.engine.adapter, "installed_runtimes", lambda: runtimes)
    card = Gpu("a card", "8.9", 16)
    first, second = (
        write_crafted(cached_engine_path(runtime, card), network) for runtime in ("tensorrt", "tensorrt-rtx")
    )
    pretended = aernet.runners.tensorrt.TensorRtRunner
    refused = {first}

    def open_unless_refused(engine, *how, **more):
        if engine in refused:
            raise EngineError(f"{engine}: built for another card; build it again")
        return pretended(engine, *how, **more)

    monkeypatch.setattr(aernet.runners.tensorrt, "TensorRtRunner", open_unless_refused)
    choice = choose_runner(network, "auto")
    assert choice.runner.engine == second
    assert choice.refusals == (f"{first}: built for another card; build it again",)
    assert load_manifest(second).verification.passes("fp16")
    assert tensorrt == [(second, 0, network)]
    refused.add(second)
    choice = choose_runner(network, "auto")
    assert choice.runner.device == "cpu"
    assert [refusal.split(":")[0] for refusal in choice.refusals[:2]] == [str(first), str(second)]
    refused.clear()
    assert choose_runner(network, "auto").runner.engine == first


@pytest.mark.usefixtures("gpu")
def test_an_engine_for_no_gpu_that_this_machine_has(network):
    """The real checks, on a machine whose extension finds no GPU or is without CUDA."""
    write_crafted(cached_engine_path(), network)
    choice = choose_runner(network, "auto")
    assert choice.runner.device == "cpu"
    assert re.search(r"built without CUDA|needs an NVIDIA GPU|choosing the GPU", choice.refusals[0])


@pytest.mark.usefixtures("tensorrt")
def test_an_engine_is_looked_for_by_gpu_and_runtime(network, monkeypatch):
    """The engine of one Orin is none for its sibling."""
    nano = Gpu("Orin", "8.7", 8, "NVIDIA Jetson Orin Nano Developer Kit")
    agx = Gpu("Orin", "8.7", 16, "NVIDIA Jetson AGX Orin Developer Kit")
    monkeypatch.setattr(aernet.engine.adapter, "installed_runtimes", lambda: {"tensorrt": VERSION})
    engine = write_crafted(cached_engine_path("tensorrt", nano), network)
    monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: nano)
    assert choose_runner(network, "auto").runner.engine == engine
    monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: agx)
    choice = choose_runner(network, "auto")
    assert choice.runner.device == "cpu"
    assert "has no engine yet; 'aernet-trt build-engine" in choice.refusals[0]
    with pytest.raises(AernetError, match=r"build-engine \S+ --device cuda:1' builds it"):
        choose_runner(network, "cuda:1")


@pytest.mark.usefixtures("tensorrt")
def test_where_tensorrt_rtx_does_not_run_auto_goes_on_and_says_why(network, monkeypatch):
    monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: Gpu("NVIDIA H100", "9.0", 132))
    write_crafted(cached_engine_path(), network)
    choice = choose_runner(network, "auto")
    assert choice.runner.device == "cpu"
    assert "TensorRT-RTX does not run on NVIDIA H100, compute capability 9.0: NVIDIA's" in choice.refusals[0]
    assert choice.refusals[0].endswith("pip install 'aernet[tensorrt]'")


@pytest.mark.usefixtures("gpu")
def test_onnx_runtime_serves_where_tensorrt_is_absent(network, monkeypatch):
    class OnGpu(OnnxRuntimeRunner):
        def __init__(self, model, provider=CPU):
            super().__init__(model)
            self.device = provider.device

    monkeypatch.setattr(aernet.runners.onnxruntime, "OnnxRuntimeRunner", OnGpu)
    choice = choose_runner(network, "auto")
    assert (choice.runner.device, choice.why) == ("cuda:0", "the GPU, without an engine")
    assert len(choice.refusals) == 1


def test_an_engine_that_is_named(network, tensorrt, tmp_path, caplog):
    engine = write_crafted(tmp_path / "mine.engine", network)
    with Segmenter(engine) as segmenter:
        assert (segmenter.device, segmenter.runtime, segmenter.card.name) == ("cuda:0", "TensorRT", "darker")
        assert segmenter(np.zeros((9, 9, 3), np.uint8)).area_fraction == 1
    assert load_manifest(engine).verification.passes("fp16")
    assert choose_runner(engine, "cuda:1").why == "an engine was named"
    assert tensorrt == [(engine, 0, None), (engine, 1, None)]
    assert caplog.records == []
    for device in ("cpu", "openvino"):
        with pytest.raises(
            AernetError, match=f"an engine needs an NVIDIA GPU, device '{device}' was asked for"
        ):
            Segmenter(engine, device)


@pytest.mark.usefixtures("tensorrt")
def test_an_engine_whose_model_is_elsewhere(network, tmp_path, caplog):
    engine = write_crafted(tmp_path / "mine.engine", network, model=str(tmp_path / "gone.onnx"))
    open_runner(engine, "auto")
    (record,) = caplog.records
    assert "never compared with its model, which is not here" in record.getMessage()
    assert load_manifest(engine).verification is None
    other = write_network(tmp_path / "other.onnx", gain=2)
    open_runner(write_crafted(tmp_path / "other.engine", network, model=str(other)), "auto")
    assert len(caplog.records) == 2


@pytest.mark.usefixtures("gpu", "tensorrt")
@pytest.mark.parametrize("named", [True, False])
def test_an_engine_is_not_compared_again(network, tmp_path, named):
    engine = write_crafted(tmp_path / "mine.engine" if named else cached_engine_path(), network)
    recorded = Agreement("made up", 1, 1.0, 1.0, 0.0, 0)
    record_verification(engine, recorded)
    assert open_runner(engine if named else network, "auto").runtime == "TensorRT"
    assert load_manifest(engine).verification == recorded
