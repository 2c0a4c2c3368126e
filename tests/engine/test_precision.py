from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.transformers import float16
from shipped_models import FLOAT32

from aernet.engine.onnx_model import read_model
from aernet.engine.precision import require_agreement, to_half
from aernet.errors import EngineError
from aernet.models import bundled_models


def element_types(model):
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    return {value.name: value.type.tensor_type.elem_type for value in inferred.graph.value_info}


def test_both_ends_stay_float32_and_all_between_is_float16(network):
    model = read_model(network)
    half = to_half(model).proto
    onnx.checker.check_model(half, full_check=True)
    types = element_types(half)
    stem, head = (next(node for node in half.graph.node if node.name == name) for name in ("stem", "head"))
    assert types[stem.output[0]] == types[head.output[0]] == TensorProto.FLOAT
    weights = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert weights == {
        "centre": TensorProto.FLOAT,
        "w1": TensorProto.FLOAT,
        "w2": TensorProto.FLOAT16,
        "w3": TensorProto.FLOAT16,
        "w4": TensorProto.FLOAT,
    }
    (given,), (result,) = half.graph.input, half.graph.output
    assert given.type.tensor_type.elem_type == result.type.tensor_type.elem_type == TensorProto.FLOAT
    assert to_half(model).layer_types == {"float16": 2, "float32": 2}


def test_there_is_one_cast_down_and_one_up(network):
    half = to_half(read_model(network)).proto
    casts = [helper.get_node_attr_value(node, "to") for node in half.graph.node if node.op_type == "Cast"]
    assert casts == [TensorProto.FLOAT16, TensorProto.FLOAT]


def test_metadata_are_kept_and_the_given_model_is_left_alone(network):
    model = read_model(network)
    before = model.proto.SerializeToString(deterministic=True)
    half = to_half(model)
    assert model.proto.SerializeToString(deterministic=True) == before
    assert half.metadata["aernet.name"] == model.card.name


def test_nodes_without_names_are_converted_too(network):
    model = read_model(network)
    for node in model.proto.graph.node:
        node.name = ""
    assert to_half(model).layer_types == {"float16": 2, "float32": 2}


@pytest.mark.parametrize("name", FLOAT32)
def test_the_shipped_models_pass(name, examples):
    model = read_model(bundled_models()[name])
    agreement = require_agreement(model, to_half(model), examples)
    assert agreement.passes("fp16")
    assert agreement.pictures == len(examples)
    assert agreement.largest_difference < 0.02


def test_a_model_that_overflows_is_refused_and_its_layers_named(overflowing, examples):
    model = read_model(overflowing)
    with pytest.raises(EngineError, match=r"darker in fp16: .*beyond 65504: middle \d") as refused:
        require_agreement(model, to_half(model), examples)
    message = str(refused.value)
    assert "middle_relu" in message
    assert "stem" not in message
    assert "--precision fp32" in message


def test_a_conversion_that_leaves_float32_is_seen(network, monkeypatch):
    monkeypatch.setattr(float16, "convert_float_to_float16", lambda model, **_: model)
    with pytest.raises(EngineError, match=r"asked for fp16, expected 2 of 4 .* gave {'float32': 4}"):
        to_half(read_model(network))


def test_a_conversion_that_forgets_one_layer_is_seen(network, monkeypatch):
    convert = float16.convert_float_to_float16

    def forgetful(model, **options):
        return convert(model, **(options | {"node_block_list": [*options["node_block_list"], "last"]}))

    monkeypatch.setattr(float16, "convert_float_to_float16", forgetful)
    with pytest.raises(EngineError, match=r"gave .*'float32': 3"):
        to_half(read_model(network))


def test_a_model_with_nothing_to_convert_is_refused(model):
    """The whole of it is head."""
    with pytest.raises(EngineError, match="expected 0 of 1"):
        to_half(read_model(model))


def test_casts_that_mean_something_stay(network):
    """A value that goes through a whole number is cut there."""
    model = read_model(network)
    nodes = model.proto.graph.node
    relu = next(node for node in nodes if node.name == "middle_relu")
    relu.output[0] = "uncut"
    position = list(nodes).index(relu) + 1
    nodes.insert(position, helper.make_node("Cast", ["uncut"], ["whole"], to=TensorProto.INT32))
    nodes.insert(position + 1, helper.make_node("Cast", ["whole"], ["r2"], to=TensorProto.FLOAT))
    half = to_half(model)
    image = np.zeros((1, 3, 64, 64), np.float32)
    for graph in (model.proto, half.proto):
        # All that is darker than L = 60 gives at most 0.6, which is cut to 0.
        assert np.all(ReferenceEvaluator(graph).run(["probability"], {"image": image})[0] == 0.5)
