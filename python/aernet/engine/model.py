"""The ONNX model that an engine is made from, and what type its layers are of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aernet.errors import EngineError, ModelError
from aernet.half_weights import widened
from aernet.models import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""The operators that a network spends its time in; their type is the engine's precision."""


def read_model(path: Path) -> tuple[onnx.ModelProto, ModelCard]:
    """Read an AER-Net model as `aernet-trt export` writes it, its weights in float32, with its card.

    Raises:
        ModelError: the file is missing, not ONNX, or not an AER-Net model.
        EngineError: the `onnx` package is absent.
    """
    try:
        import onnx  # noqa: PLC0415 - an extra
    except ImportError:
        raise EngineError(
            "engines are built from ONNX by the onnx package, which is absent;"
            " pip install 'aernet[tensorrt-rtx]' or 'aernet[tensorrt]'"
        ) from None
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path}: expected an ONNX model, found something else ({reason})") from error
    try:
        card = ModelCard.from_metadata({entry.key: entry.value for entry in model.metadata_props})
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    for kind, values, name, channels in (
        ("input", model.graph.input, "image", 3),
        ("output", model.graph.output, "probability", 1),
    ):
        found = [(value.name, value.type.tensor_type.elem_type, _shape(value)[1:]) for value in values]
        if found != [(name, onnx.TensorProto.FLOAT, [channels, card.size, card.size])]:
            raise ModelError(
                f"{path}: not an AER-Net model: expected one {kind}, {name} float32"
                f" N x {channels} x {card.size} x {card.size}, found {found}"
            )
    return widened(model), card


def layer_types(model: onnx.ModelProto) -> Counter[str]:
    """Count the heavy layers of each type: "float16", "float32", ..."""
    import onnx  # noqa: PLC0415

    types = tensor_types(model)
    heavy = (types[node.output[0]] for node in model.graph.node if node.op_type in HEAVY)
    return Counter(onnx.helper.tensor_dtype_to_np_dtype(element).name for element in heavy)


def tensor_types(model: onnx.ModelProto) -> dict[str, int]:
    """Return the ONNX element type of each tensor by its name."""
    import onnx  # noqa: PLC0415

    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        tensor.name: tensor.data_type for tensor in graph.initializer
    }


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
