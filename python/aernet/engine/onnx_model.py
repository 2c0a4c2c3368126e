"""The ONNX model that an engine is made from: its card, the types of its tensors, its weights.

Weights may be stored in half precision, which is half the file, while every layer still computes in float32.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from aernet.errors import ModelError
from aernet.models import ModelCard
from aernet.onnx_file import read_onnx

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""The operators that a network spends its time in; their type is the engine's precision."""
LARGEST_HALF = 65504.0
"""The largest finite float16 (IEEE 754 binary16)."""

_STORED = ".float16"
_LEAST = 64  # elements; biases and constants below it save nothing


class OnnxModel:
    """An ONNX model with the types of its tensors, which are inferred once: the graph must not change.

    Args:
        proto: the model.

    Raises:
        onnx.shape_inference.InferenceError: the types within its graph do not fit together.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.proto = proto
        """The model."""
        self.metadata = {entry.key: entry.value for entry in proto.metadata_props}
        """What it says of itself; see `card`."""
        self.element_types = element_types(proto)
        """The ONNX element type of each tensor by its name."""

    @property
    def card(self) -> ModelCard:
        """The metadata read as a card; a `ModelError` where they are not one."""
        return ModelCard.from_metadata(self.metadata)

    @property
    def layer_types(self) -> Counter[str]:
        """How many heavy layers there are of each type: "int8", "float16", "float32"."""
        import onnx  # noqa: PLC0415

        integers = set(self.integer_layers)
        return Counter(
            "int8"
            if node.name in integers
            else onnx.helper.tensor_dtype_to_np_dtype(self.element_types[node.output[0]]).name
            for node in self.proto.graph.node
            if node.op_type in HEAVY
        )

    @property
    def integer_layers(self) -> list[str]:
        """The names of the heavy layers whose input and weights are both dequantised from integers."""
        nodes = self.proto.graph.node
        made = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
        return [node.name for node in nodes if node.op_type in HEAVY and made.issuperset(node.input[:2])]


def read_model(path: Path) -> OnnxModel:
    """Read an AER-Net model as `aernet-trt export` writes it, its weights in float32.

    Raises:
        ModelError: the file is missing, not ONNX, not an AER-Net model, or refused by `read_onnx`.
    """
    import onnx  # noqa: PLC0415 - an extra

    content = read_onnx(path)
    try:
        proto = onnx.load_from_string(content)
        onnx.checker.check_model(proto)
        model = OnnxModel(widened(proto))
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path}: expected an ONNX model, found something else ({reason})") from error
    try:
        size = model.card.size
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    for kind, values, name, channels in (
        ("input", proto.graph.input, "image", 3),
        ("output", proto.graph.output, "probability", 1),
    ):
        found = [(value.name, value.type.tensor_type.elem_type, _shape(value)[1:]) for value in values]
        if found != [(name, onnx.TensorProto.FLOAT, [channels, size, size])]:
            raise ModelError(
                f"{path}: not an AER-Net model: expected one {kind}, {name} float32"
                f" N x {channels} x {size} x {size}, found {found}"
            )
    return model


def element_types(proto: onnx.ModelProto) -> dict[str, int]:
    """Infer the ONNX element type of each tensor of a model, by the tensor's name."""
    import onnx  # noqa: PLC0415

    graph = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        tensor.name: tensor.data_type for tensor in graph.initializer
    }


def narrowed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its float32 weights stored as float16, and a cast to float32 behind each.

    A runtime folds the casts when it opens the model. Weights that float16 cannot hold stay as they are.
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    narrow = deepcopy(model)
    casts = []
    for tensor in narrow.graph.initializer:
        name, wide = tensor.name, numpy_helper.to_array(tensor)
        if wide.dtype == np.float32 and wide.size >= _LEAST and np.abs(wide).max() <= LARGEST_HALF:
            tensor.CopyFrom(numpy_helper.from_array(wide.astype(np.float16), name + _STORED))
            casts.append(helper.make_node("Cast", [name + _STORED], [name], name=name, to=TensorProto.FLOAT))
    nodes = [*casts, *narrow.graph.node]
    del narrow.graph.node[:]
    narrow.graph.node.extend(nodes)
    return narrow


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the weights of `narrowed` as float32 again, under their own names."""
    from onnx import numpy_helper  # noqa: PLC0415

    wide = deepcopy(model)
    stored = {tensor.name: tensor for tensor in wide.graph.initializer if tensor.name.endswith(_STORED)}
    nodes = [node for node in wide.graph.node if node.op_type != "Cast" or node.input[0] not in stored]
    del wide.graph.node[:]
    wide.graph.node.extend(nodes)
    for name, tensor in stored.items():
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, name.removesuffix(_STORED)))
    return wide


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
