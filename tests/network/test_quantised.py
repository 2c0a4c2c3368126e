"""An INT8 network in PyTorch against its ONNX in ONNX Runtime."""

from __future__ import annotations

from collections import Counter

import int8
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from aernet.engine.onnx_model import read_model
from aernet.errors import ModelError
from aernet.models import bundled_models
from aernet.network.quantised import WEIGHT_LIMIT, QuantisedNetwork
from aernet.training.static_quantisation import static_quantisation


@pytest.fixture(scope="module")
def network(float32_lite):
    return int8.quantised(float32_lite)


def run(model, images, optimised=None):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if optimised:
        options.optimized_model_filepath = str(optimised)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"image": images})[0]


def in_torch(network, images):
    with torch.no_grad():
        return torch.sigmoid(network(torch.from_numpy(images))).numpy()


def test_onnx_runtime_gives_what_pytorch_gives(network):
    """Up to ties, which the two round differently, and what follows from them."""
    images = int8.images(5, seed=9)
    difference = np.abs(run(network.to_onnx(), images) - in_torch(network, images))
    assert difference.mean() < 3e-3
    assert difference.max() < 0.05


def test_weights_that_were_not_trained_are_those_of_the_quantiser(network):
    model = onnx.ModelProto.FromString(network.graph)
    again = network.to_onnx()
    for before, after in zip(model.graph.initializer, again.graph.initializer, strict=True):
        np.testing.assert_allclose(
            numpy_helper.to_array(after), numpy_helper.to_array(before), rtol=1e-5, atol=1
        )
    images = int8.images(2)
    np.testing.assert_allclose(run(again, images), run(model, images), atol=0.02)


def test_it_is_near_the_float32_network(network, float32_lite):
    images = int8.images(4, seed=3)
    assert np.abs(run(read_model(float32_lite).proto, images) - in_torch(network, images)).mean() < 0.02


def test_training_moves_every_weight_and_onnx_follows(float32_lite):
    network = int8.quantised(float32_lite).train()
    images = int8.images(4, seed=5)
    before = in_torch(network, images)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    target = torch.from_numpy(images[:, :1] > 0.5).float()
    losses = []
    for _ in range(4):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(torch.from_numpy(images)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())
    assert losses[-1] < losses[0]
    after = in_torch(network, images)
    apart = np.abs(run(network.to_onnx(), images) - after).mean()
    assert apart < 0.005
    assert np.abs(after - before).mean() > 3 * apart
    assert np.abs(run(onnx.ModelProto.FromString(network.graph), images) - after).mean() > 3 * apart


def test_a_state_is_taken_back(network):
    other = QuantisedNetwork(network.graph)
    changed = {name: weight * 1.5 for name, weight in network.state_dict().items()}
    other.load_state_dict(changed)
    images = int8.images(1)
    assert np.abs(in_torch(other, images) - in_torch(network, images)).max() > 1e-3


def test_the_head_is_scaled(float32_lite):
    network, images = int8.quantised(float32_lite), torch.from_numpy(int8.images(1))
    with torch.no_grad():
        before = network(images)
        network.scale_logits(1.5, -0.25)
        torch.testing.assert_close(network(images), 1.5 * before - 0.25)


def test_onnx_runtime_computes_in_integers(network, tmp_path):
    """All but the first and the last convolution; nothing between them is float32."""
    run(network.to_onnx(), int8.images(1), tmp_path / "optimised.onnx")
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)
    convolutions = sum(
        node.op_type == "Conv" for node in onnx.ModelProto.FromString(network.graph).graph.node
    )
    assert kinds["QLinearConv"] == convolutions - 2
    assert kinds["Conv"] + kinds["FusedConv"] == 2
    assert kinds["QuantizeLinear"] == kinds["DequantizeLinear"] == 1


def test_both_ends_are_float32_and_weights_have_seven_bits(network):
    graph = network.to_onnx().graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    for node in (convolutions[0], convolutions[-1]):
        assert stored[node.input[1]].data_type == TensorProto.FLOAT
    kinds = Counter(tensor.data_type for tensor in stored.values() if len(tensor.dims) == 4)
    assert kinds[TensorProto.INT8] == len(convolutions) - 2
    integers = [
        numpy_helper.to_array(tensor) for tensor in stored.values() if tensor.data_type == TensorProto.INT8
    ]
    assert max(int(np.abs(array.astype(int)).max()) for array in integers if array.ndim == 4) == WEIGHT_LIMIT


@pytest.mark.parametrize("sign", [1, -1])
def test_seven_bits_do_not_overflow_on_any_processor(sign):
    """The largest products that there can be, against sums in 64 bits."""
    channels = 64
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "one", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "one", "zero"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "ones", "zeros"], ["dw"], axis=0),
        helper.make_node("Conv", ["d", "dw"], ["c"], kernel_shape=[3, 3]),
        helper.make_node("QuantizeLinear", ["c", "step", "middle"], ["qc"]),
        helper.make_node("DequantizeLinear", ["qc", "step", "middle"], ["y"]),
    ]
    weights = np.full((8, channels, 3, 3), sign * WEIGHT_LIMIT, np.int8)
    arrays = {
        "one": np.float32(1),
        "zero": np.uint8(0),
        "w": weights,
        "ones": np.ones(8, np.float32),
        "zeros": np.zeros(8, np.int8),
        "step": np.float32(255 * WEIGHT_LIMIT * channels * 9 / 120),
        "middle": np.uint8(128),
    }
    graph = helper.make_graph(
        nodes,
        "sum",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, 5, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 3, 3])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"x": np.full((1, channels, 5, 5), 255, np.float32)})
    np.testing.assert_allclose(answer, sign * 255.0 * WEIGHT_LIMIT * channels * 9, rtol=1e-5)


@pytest.mark.parametrize("name", ["aernet", "aernet-b1"])
def test_what_eight_bits_ruin_is_refused(name):
    model = read_model(bundled_models()[name])
    images = np.zeros((1, 3, model.card.size, model.card.size), np.float32)
    with pytest.raises(ModelError, match=r"SiLU, which eight bits do not keep; .* the preset aernet-lite"):
        static_quantisation(model, images)
