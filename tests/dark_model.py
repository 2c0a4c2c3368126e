"""A model whose answer is known beforehand: what is darker than L = 60 is lesion."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

SIZE = 64
STEEPNESS = 20.0
METADATA = {
    "aernet.name": "dark",
    "aernet.version": "1.2",
    "aernet.size": str(SIZE),
    "aernet.threshold": "0.4",
    "aernet.training_data": "none",
    "aernet.licence": "Apache-2.0",
    "aernet.metrics": '{"jaccard": 0.5, "protocol": "made up"}',
    "aernet.revision": "abc1234",
}


def write_dark_model(
    path,
    metadata=METADATA,
    *,
    size=SIZE,
    batch="batch",
    channels=3,
    element=TensorProto.FLOAT,
    image="image",
    probability="probability",
    bias=STEEPNESS * 0.6,
    stride=1,
):
    """Write probability = sigmoid(20 (0.6 - L / 100)), 1 x 1 convolution and sigmoid, as ONNX."""
    kind = np.float16 if element == TensorProto.FLOAT16 else np.float32
    out = size // stride if stride > 1 else size
    weights = np.zeros((1, channels, 1, 1), kind)
    weights[0, 0] = -STEEPNESS
    graph = helper.make_graph(
        [
            helper.make_node("Conv", [image, "weights", "bias"], ["logit"], strides=[stride, stride]),
            helper.make_node("Sigmoid", ["logit"], [probability]),
        ],
        "dark",
        [helper.make_tensor_value_info(image, element, [batch, channels, size, size])],
        [helper.make_tensor_value_info(probability, element, [batch, 1, out, out])],
        [
            helper.make_tensor("weights", element, weights.shape, weights.ravel()),
            helper.make_tensor("bias", element, [1], np.array([bias], kind)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path
