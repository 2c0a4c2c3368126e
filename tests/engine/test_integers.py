"""From an INT8 model to an INT8 engine."""

from __future__ import annotations

import int8
import numpy as np
import onnx
import onnxruntime
import pytest
from engine.marks import needs_tensorrt_rtx
from onnx import TensorProto, numpy_helper

from aernet import Segmenter
from aernet.engine.adapter import BuilderOptions, open_runtime
from aernet.engine.agreement import LEAST_DICE
from aernet.engine.build import build_engine
from aernet.engine.integers import is_quantised, require_integers, to_symmetric
from aernet.engine.layers import Layer
from aernet.engine.manifest import load_manifest
from aernet.engine.onnx_model import read_model
from aernet.errors import EngineError
from aernet.files import sha256_of


@pytest.fixture(scope="module")
def model(int8_lite):
    return read_model(int8_lite)


@pytest.fixture(scope="module")
def symmetric(model):
    return to_symmetric(model)


def test_the_card_says_what_it_is_made_from(int8_lite, float32_lite, examples):
    with Segmenter(int8_lite) as segmenter:
        named = f"{read_model(float32_lite).card.version}, sha256 {sha256_of(float32_lite)}"
        assert segmenter.card.quantised_from == f"aernet-lite {named}"
        assert segmenter(examples[0]).probability.dtype == np.float32
    with Segmenter(float32_lite) as segmenter:
        assert segmenter.card.quantised_from is None


def test_all_between_the_ends_is_integers(model, symmetric):
    convolutions = sum(node.op_type == "Conv" for node in model.proto.graph.node)
    assert model.layer_types == symmetric.layer_types == {"int8": convolutions - 2, "float32": 2}
    assert is_quantised(model)


def test_tensorrt_gets_zero_points_of_zero_and_float32_biases(symmetric):
    onnx.checker.check_model(symmetric.proto, full_check=True)
    graph = symmetric.proto.graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    pairs = [node for node in graph.node if node.op_type in {"QuantizeLinear", "DequantizeLinear"}]
    assert all(tensors[node.input[2]].dtype == np.int8 for node in pairs)
    assert not any(tensors[node.input[2]].any() for node in pairs)
    assert not any(tensor.data_type == TensorProto.INT32 for tensor in graph.initializer)


def test_its_answers_are_those_of_the_model(model, symmetric):
    images = int8.images(3, seed=4)
    found = []
    for proto in (model.proto, symmetric.proto):
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        found.append(session.run(None, {"image": images})[0])
    assert np.abs(found[0] - found[1]).mean() < 0.02


def test_an_engine_that_reads_no_integers_is_refused(symmetric):
    names = symmetric.integer_layers
    kept = [Layer(name, "", ("int8",), ("float32",), (name,)) for name in names[1:]]
    other = Layer("x", "", ("float16",), ("float16",), (names[0],))
    with pytest.raises(EngineError, match=f"1 of {len(names)} convolutions read no int8 .*: {names[0]};"):
        require_integers([*kept, other], symmetric)
    require_integers([*kept, Layer("x", "", ("int8",), (), (names[0],))], symmetric)
    require_integers([Layer("x", "", (), (), ())], symmetric)  # a runtime that tells no types


@needs_tensorrt_rtx
def test_an_int8_engine(int8_lite, model, examples, tmp_path, monkeypatch):
    monkeypatch.setitem(LEAST_DICE, "int8", (0.5, 0.5))  # of random weights
    rtx = open_runtime("tensorrt-rtx")
    engine, manifest = build_engine(int8_lite, tmp_path, rtx, "int8", BuilderOptions(), examples)
    assert load_manifest(engine) == manifest
    assert manifest.precision == "int8"
    assert manifest.convolutions == dict(model.layer_types)
    in_integers = {node for layer in manifest.layers if "int8" in layer.inputs for node in layer.nodes}
    assert in_integers.issuperset(model.integer_layers)


@needs_tensorrt_rtx
@pytest.mark.parametrize(
    ("fixture", "precision", "message"),
    [
        ("network", "int8", r"darker: asked for int8, .* no QuantizeLinear nodes; .* `aernet-trt quantise`"),
        ("int8_lite", "fp16", r"asked for fp16, but the model has eight bits; build with --precision int8"),
        ("int8_lite", "fp32", r"the float32 model that it was made from \(aernet-lite 0"),
    ],
)
def test_a_model_of_another_kind_is_refused(request, fixture, precision, message, examples, tmp_path):
    model = request.getfixturevalue(fixture)
    rtx = open_runtime("tensorrt-rtx")
    with pytest.raises(EngineError, match=message):
        build_engine(model, tmp_path, rtx, precision, BuilderOptions(), examples)
    assert not list(tmp_path.iterdir())


@needs_tensorrt_rtx
def test_masks_that_differ_are_refused(int8_lite, examples, tmp_path, monkeypatch):
    monkeypatch.setitem(LEAST_DICE, "int8", (1.1, 1.1))
    with pytest.raises(EngineError, match=r"in int8: expected a mean Dice .* quantise it again"):
        build_engine(int8_lite, tmp_path, open_runtime("tensorrt-rtx"), "int8", BuilderOptions(), examples)
    assert not list(tmp_path.iterdir())
