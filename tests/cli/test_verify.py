"""The command; what it computes is tested with the runner, and on a GPU."""

from __future__ import annotations

import json

import pytest
from engine.models import write_crafted, write_network
from typer.testing import CliRunner

import aernet.engine.adapter
import aernet.engine.gpu
import aernet.runners.tensorrt
from aernet.cli.app import app
from aernet.engine.folders import default_engine_path
from aernet.engine.gpu import Gpu
from aernet.engine.manifest import load_manifest
from aernet.errors import EngineError
from aernet.runners.onnxruntime import OnnxRuntimeRunner


@pytest.fixture
def network(tmp_path):
    return write_network(tmp_path / "darker.onnx")


@pytest.fixture
def engine(network, tmp_path):
    return write_crafted(tmp_path / "darker.engine", network)


@pytest.fixture
def gpu(network, monkeypatch):
    """Let another model in ONNX Runtime stand for an engine on a GPU."""

    def use(stand_in, index=0):
        class Engine(OnnxRuntimeRunner):
            def __init__(self, engine, index, model):
                assert index == use.index
                super().__init__(use.stand_in)
                assert model == use.original
                self.engine, self.device, self.manifest = engine, "cuda:0", load_manifest(engine)

        use.stand_in, use.original, use.index = stand_in, network, index
        monkeypatch.setattr(aernet.runners.tensorrt, "TensorRtRunner", Engine)

    return use


def run(*arguments):
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


def test_an_engine_that_gives_what_its_model_gives(engine, network, gpu, examples):
    gpu(network)
    answer = run(engine, "--against", network, "--images", examples[0].parent, "--json")
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout)
    assert (figures["mean_dice"], figures["pictures"]) == (1.0, len(examples))
    recorded = load_manifest(engine).verification
    assert recorded.mean_dice == 1.0
    assert recorded.runtime.endswith("on cuda:0")


def test_an_engine_that_does_not(engine, gpu, write_model, tmp_path):
    metadata = load_manifest(engine).metadata
    gpu(write_model(tmp_path / "other.onnx", metadata, bias=20 * 0.5))
    answer = run(engine)
    assert answer.exit_code == 1
    assert "expected a mean Dice of at least 0.999" in answer.output
    assert "--precision fp32" in answer.output
    assert answer.output.count("\n") == 1
    assert not load_manifest(engine).verification.passes("fp16")


def test_an_engine_that_may_not_be_loaded(engine, monkeypatch):
    def refuse(*_, **__):
        raise EngineError("built for another card")

    monkeypatch.setattr(aernet.runners.tensorrt, "TensorRtRunner", refuse)
    answer = run(engine)
    assert answer.exit_code == 1
    assert "built for another card" in answer.output
    assert load_manifest(engine).verification is None


def test_what_is_missing(tmp_path):
    answer = run(tmp_path / "absent.engine")
    assert answer.exit_code == 1
    assert "absent.engine: no such engine" in answer.output
    (tmp_path / "lonely.engine").touch()
    answer = run(tmp_path / "lonely.engine")
    assert answer.exit_code == 1
    assert "lonely.engine.json is missing" in answer.output


def test_the_gpu_that_is_named(engine, network, gpu):
    gpu(network, index=1)
    assert run(engine, "--device", "cuda:1").exit_code == 0
    for device in ("cpu", "gpu"):
        answer = run(engine, "--device", device)
        assert answer.exit_code == 2
        assert f"--device: an engine runs on a GPU: cuda, cuda:1, ...; found '{device}'" in answer.output


def test_a_model_stands_for_its_engine_in_the_cache(network, gpu, monkeypatch, tmp_path):
    card = Gpu("card", "8.9", 16)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: card)
    monkeypatch.setattr(aernet.engine.adapter, "installed_runtimes", lambda: {"tensorrt-rtx": "1.7.1.116"})
    gpu(network)
    answer = run(network)
    assert answer.exit_code == 1
    assert f"'aernet-trt build-engine {network}' builds it" in answer.output
    built = default_engine_path("darker", "tensorrt-rtx", "1.7.1.116", card)
    built.parent.mkdir(parents=True)
    write_crafted(built, network)
    answer = run(network)
    assert answer.exit_code == 0, answer.output
    assert answer.stderr.startswith(f"{built}: ")
    assert load_manifest(built).verification.passes("fp16")
