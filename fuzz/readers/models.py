"""ONNX models: opened by ONNX Runtime and run once, and read for an engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
from attempts import attempt
from onnx import TensorProto, helper, numpy_helper

from aernet.engine.onnx_model import read_model
from aernet.runners.onnxruntime import OnnxRuntimeRunner

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 32
CARD = {
    "aernet.name": "dark",
    "aernet.version": "1.2",
    "aernet.size": str(SIZE),
    "aernet.threshold": "0.4",
    "aernet.training_data": "none",
    "aernet.licence": "Apache-2.0",
    "aernet.metrics": '{"jaccard": 0.5, "protocol": "made up"}',
    "aernet.revision": "abc1234",
}
_FRAME = np.zeros((8, 8, 3), np.uint8)


def read(data: bytes, folder: Path) -> None:
    file = folder / "model.onnx"
    file.write_bytes(data)
    attempt(file, _run, read_model)


def _run(file: Path) -> None:
    (prediction,) = OnnxRuntimeRunner(file).predict([_FRAME], "bgr")
    assert prediction.probability.shape == (SIZE, SIZE)


def seeds() -> dict[str, bytes]:
    """Return a network of one convolution, and the same with weights in half precision and with integers."""
    weights = np.full((1, 3, 1, 1), -2, np.float32)
    bias = np.ones(1, np.float32)
    plain = _model([], {"weights": weights, "bias": bias})
    half = _model(
        [helper.make_node("Cast", ["half"], ["weights"], to=TensorProto.FLOAT)],
        {"half": weights.astype(np.float16), "bias": bias},
    )
    integers = _model(
        [helper.make_node("DequantizeLinear", ["integers", "scale", "zero"], ["weights"])],
        {
            "integers": weights.astype(np.int8),
            "scale": np.array(0.5, np.float32),
            "zero": np.array(0, np.int8),
            "bias": bias,
        },
    )
    outside = onnx.ModelProto.FromString(plain)
    onnx.external_data_helper.set_external_data(outside.graph.initializer[0], "model.onnx")
    outside.graph.initializer[0].ClearField("raw_data")
    return {"plain": plain, "half": half, "integers": integers, "outside": outside.SerializeToString()}


def _model(nodes: list[onnx.NodeProto], tensors: dict[str, np.ndarray]) -> bytes:
    nodes = [
        *nodes,
        helper.make_node("Conv", ["image", "weights", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, SIZE, SIZE])
        for name, channels in (("image", 3), ("probability", 1))
    ]
    stored = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes, "dark", [ends[0]], [ends[1]], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, CARD | {"aernet.network": json.dumps(_NETWORK)})
    return model.SerializeToString()


_NETWORK = {"architecture": "aernet", "encoder": "b0", "widths": [8, 8, 8, 8, 8], "colour": "cielab"}
