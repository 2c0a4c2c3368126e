"""ONNX weights stored in half precision: half the file, while every layer still computes in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

_STORED = ".float16"
_LEAST = 64  # elements; biases and constants below it save nothing


def narrowed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its float32 weights stored as float16, and a cast to float32 behind each.

    A runtime folds the casts when it opens the model. Weights that float16 cannot hold stay as they are.
    """
    from onnx import ModelProto, TensorProto, helper, numpy_helper  # noqa: PLC0415 - an extra

    narrow = ModelProto()
    narrow.CopyFrom(model)
    weights = [
        tensor
        for tensor in narrow.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= _LEAST
    ]
    casts = []
    for tensor in weights:
        wide = numpy_helper.to_array(tensor)
        if not np.abs(wide).max() <= np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(wide.astype(np.float16), name + _STORED))
        casts.append(helper.make_node("Cast", [name + _STORED], [name], name=name, to=TensorProto.FLOAT))
    nodes = [*casts, *narrow.graph.node]
    del narrow.graph.node[:]
    narrow.graph.node.extend(nodes)
    return narrow


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the weights of `narrowed` as float32 again, under their own names."""
    from onnx import ModelProto, numpy_helper  # noqa: PLC0415

    wide = ModelProto()
    wide.CopyFrom(model)
    stored = {tensor.name: tensor for tensor in wide.graph.initializer if tensor.name.endswith(_STORED)}
    nodes = [node for node in wide.graph.node if node.op_type != "Cast" or node.input[0] not in stored]
    del wide.graph.node[:]
    wide.graph.node.extend(nodes)
    for name, tensor in stored.items():
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, name.removesuffix(_STORED)))
    return wide
