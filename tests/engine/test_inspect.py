from __future__ import annotations

import json
import subprocess
import sys

import pytest

from aernet.engine.compatibility import Machine
from aernet.engine.gpu import Gpu
from aernet.engine.inspect import describe_engine, describe_manifest, describe_onnx
from aernet.engine.layers import Layer
from aernet.engine.manifest import manifest_path
from aernet.errors import EngineError, ModelError
from aernet.files import sha256_of

NOWHERE = Machine({}, None)


@pytest.fixture
def engine(write_crafted, tmp_path):
    return write_crafted(tmp_path / "darker.engine")


def test_an_engine_without_a_gpu_and_without_tensorrt(engine):
    facts = describe_engine(engine, NOWHERE)
    assert (facts["kind"], facts["runtime"], facts["runtime_version"]) == (
        "engine",
        "tensorrt-rtx",
        "1.7.1.116",
    )
    assert facts["sha256"] == sha256_of(engine)
    assert facts["manifest"] | {"layers": facts["layers"]} == json.loads(manifest_path(engine).read_text())
    assert not facts["usable_here"]
    assert "needs an NVIDIA GPU" in facts["why_not"]
    card = Machine({"tensorrt-rtx": "1.7.1.116"}, Gpu("a card", "8.9", 128))
    assert describe_engine(engine, card)["usable_here"]


def test_an_engine_without_its_manifest_still_says_what_built_it(engine):
    manifest_path(engine).unlink()
    facts = describe_engine(engine, NOWHERE)
    assert facts["runtime_version"] == "1.7.1.116"
    assert facts["manifest"] is None
    assert "is missing" in facts["why_not"]


def test_layers_are_told_anywhere(write_crafted, tmp_path):
    layer = Layer("convolution", "correlation", ("float16",), ("float32",), ("conv", "cast"))
    engine = write_crafted(tmp_path / "darker.engine", layers=(layer,))
    told = [
        {
            "name": "convolution",
            "kind": "correlation",
            "inputs": ["float16"],
            "outputs": ["float32"],
            "nodes": ["conv", "cast"],
        }
    ]
    facts = describe_engine(engine, NOWHERE)
    assert (facts["usable_here"], facts["layers"]) == (False, told)
    assert describe_manifest(manifest_path(engine))["layers"] == told


def test_a_manifest(engine):
    facts = describe_manifest(manifest_path(engine))
    assert facts["kind"] == "manifest"
    assert facts["metadata"]["aernet.name"] == "darker"
    assert facts["verification"] == "not verified: no GPU"
    other = engine.with_name("notes")
    other.write_text("{}")
    with pytest.raises(EngineError, match=r"expected a manifest named NAME\.engine\.json"):
        describe_manifest(other)


def test_a_model(network):
    facts = describe_onnx(network)
    assert facts["kind"] == "onnx"
    assert facts["opset"] == 18
    assert facts["convolutions"] == {"float32": 4}
    assert facts["operators"] == {"Conv": 4, "Relu": 3, "Sub": 1, "Sigmoid": 1}
    assert facts["sha256"] == sha256_of(network)
    assert facts["card"]["threshold"] == 0.5
    assert json.loads(json.dumps(facts)) == facts


def test_what_is_neither(tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("neither")
    with pytest.raises(ModelError):
        describe_onnx(path)
    with pytest.raises(EngineError):
        describe_engine(path, NOWHERE)


def test_no_tensorrt_is_imported_for_it(engine):
    program = f"""
import sys
from pathlib import Path
from aernet.engine.compatibility import Machine
from aernet.engine.inspect import describe_engine
assert describe_engine(Path({str(engine)!r}), Machine.here())["kind"] == "engine"
assert not {{"tensorrt", "tensorrt_rtx", "torch", "onnx", "onnxruntime"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
