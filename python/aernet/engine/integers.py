"""A model of eight-bit integers as TensorRT wants it: zero points of 0, and biases in float32.

In ONNX Runtime the activations behind a ReLU have all 256 integers and no ReLU of its own; TensorRT has 128
for them. The range is kept, so that its steps are twice as wide there.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from aernet._native import preprocess
from aernet.engine.agreement import Agreement
from aernet.engine.onnx_model import OnnxModel
from aernet.engine.precision import answers
from aernet.errors import EngineError
from aernet.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aernet.engine.layers import Layer

_LARGEST = 127


def is_quantised(model: OnnxModel) -> bool:
    """Tell whether a model has explicit QuantizeLinear nodes."""
    return any(node.op_type == "QuantizeLinear" for node in model.proto.graph.node)


def require_quantised(model: OnnxModel, precision: str) -> None:
    """Raise an `EngineError` with the remedy unless the model is made for the precision asked for."""
    name = model.card.name
    if precision == "int8" and not is_quantised(model):
        raise EngineError(
            f"{name}: asked for int8, but the model has no QuantizeLinear nodes; give one of"
            f" `aernet-trt quantise` and `export`, such as {name}-int8, or build with --precision fp16"
        )
    if precision != "int8" and is_quantised(model):
        raise EngineError(
            f"{name}: asked for {precision}, but the model has eight bits; build with --precision int8, or"
            f" give the float32 model that it was made from ({model.card.quantised_from or 'not stated'})"
        )


def to_symmetric(model: OnnxModel) -> OnnxModel:
    """Return a quantised model with int8 activations around 0, a ReLU where 0 was the least, float32 biases.

    Args:
        model: as `aernet-trt quantise` and `export` write it: activations in uint8 with a zero point.
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - an extra

    proto = deepcopy(model.proto)
    graph = proto.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    arrays = {name: numpy_helper.to_array(tensor) for name, tensor in tensors.items()}

    def store(name: str, array: object, dtype: type) -> None:
        tensors[name].CopyFrom(numpy_helper.from_array(np.asarray(array, dtype), name))

    nodes = []
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            scale, zero = float(arrays[node.input[1]]), int(arrays[node.input[2]])
            least, largest = -zero * scale, (255 - zero) * scale
            store(node.input[1], max(-least, largest) / _LARGEST, np.float32)
            store(node.input[2], 0, np.int8)
            if zero == 0:
                positive = f"{node.output[0]}/positive"
                nodes.append(helper.make_node("Relu", [node.input[0]], [positive], f"{node.name}/positive"))
                node.input[0] = positive
        elif node.op_type == "DequantizeLinear" and node.input[0] in tensors:
            stored = tensors[node.input[0]]
            if stored.data_type == TensorProto.INT32:
                values = (arrays[stored.name] * arrays[node.input[1]]).astype(np.float32)
                stored.CopyFrom(numpy_helper.from_array(values, node.output[0]))
                continue
        nodes.append(node)
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return OnnxModel(proto)


def require_agreement(model: OnnxModel, symmetric: OnnxModel, pictures: Sequence[Path]) -> Agreement:
    """Compare what TensorRT is given with the model that it was made from, on real pictures, on the CPU.

    Raises:
        EngineError: they differ by more than `Agreement.passes` allows.
        SourceError: a picture cannot be read.
    """
    card = model.card
    images = [preprocess(read_picture(picture), card.size)[None] for picture in pictures]
    pairs = zip(*(answers(each.proto, images, card.threshold) for each in (model, symmetric)), strict=True)
    agreement = Agreement.of("int8 around 0 in ONNX Runtime", pairs)
    agreement.require(f"{card.name} in int8", "int8", "quantise it again, for more epochs")
    return agreement


def require_integers(layers: Sequence[Layer], model: OnnxModel) -> None:
    """See that every convolution that has integers in the model reads them in the engine.

    Raises:
        EngineError: one reads float16 or float32 alone, where the runtime tells types at all.
    """
    if not any(layer.inputs for layer in layers):
        return
    in_integers = {node for layer in layers if "int8" in layer.inputs for node in layer.nodes}
    if lacking := [name for name in model.integer_layers if name not in in_integers]:
        raise EngineError(
            f"asked for int8, but {len(lacking)} of {len(model.integer_layers)} convolutions read no int8 in"
            f" the engine: {', '.join(lacking[:4])}; nothing was written; report this model"
        )
