"""A float32 model as a graph of eight-bit integers, with ranges measured on pictures (ONNX Runtime's tool).

Activations have 8 bits and a zero point, weights 7 bits and a scale for each channel. Seven, because ONNX
Runtime adds two products in 16 bits where a processor has AVX2 and no VNNI, and weights of 8 bits would
overflow them. Both ends stay float32, as in FP16 engines: skin lies close together in CIELAB, and thresholds
are cut in the head.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from aernet.engine.precision import head, stem
from aernet.engine.subpixel import with_subpixels
from aernet.errors import ModelError
from aernet.network.quantised import OPERATORS

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.engine.onnx_model import OnnxModel


def static_quantisation(model: OnnxModel, images: npt.NDArray[np.float32]) -> onnx.ModelProto:
    """Return the model with explicit QuantizeLinear and DequantizeLinear nodes, and without metadata.

    Args:
        model: a float32 model as `aernet-trt export` writes it.
        images: N x 3 x S x S pictures in the colour contract; the ranges are the means over them of the
            least and the largest activations.

    Raises:
        ModelError: it has layers that lose too much in eight bits, such as SiLU and squeeze-excitation.
    """
    prepared = _prepared(model)
    ends = [*stem(prepared.graph), *head(prepared.graph)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "quantised.onnx"
        quantize_static(
            prepared,
            path,
            _Images(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=ends,
            extra_options={"WeightSymmetric": True, "CalibMovingAverage": True},
        )
        quantised = onnx.load(path)
    del quantised.metadata_props[:], quantised.graph.value_info[:]
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


class _Images(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime has no types
    def __init__(self, images: npt.NDArray[np.float32]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        image = next(self._images, None)
        return None if image is None else {"image": image[None]}


def require_quantisable(model: OnnxModel) -> None:
    """See that a model has layers alone that keep what they do in eight bits.

    Raises:
        ModelError: it has others, such as SiLU and squeeze-excitation.
    """
    nodes = model.proto.graph.node
    unknown = sorted({node.op_type for node in nodes} - OPERATORS - {"ConvTranspose"})
    # A sigmoid is fine where it weighs pixels; where it gives x sigmoid(x) it is SiLU.
    gated = {node.input[0]: node.output[0] for node in nodes if node.op_type == "Sigmoid"}
    products = [node for node in nodes if node.op_type == "Mul"]
    if any(gated.get(tensor) in node.input for node in products for tensor in node.input):
        unknown.append("SiLU")
    if unknown:
        raise ModelError(
            f"{model.card.name}: has {', '.join(unknown)}, which eight bits do not keep; train a model"
            " without, with the preset aernet-lite"
        )


def _prepared(model: OnnxModel) -> onnx.ModelProto:
    """Return the model without transposed convolutions, with named nodes, and a bias for each convolution."""
    require_quantisable(model)
    prepared = with_subpixels(model.proto)
    graph = prepared.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for index, node in enumerate(graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
        if node.op_type == "Conv" and len(node.input) == 2:
            bias = f"{node.name}/bias"
            zeros = np.zeros(tensors[node.input[1]].dims[0], np.float32)
            graph.initializer.append(numpy_helper.from_array(zeros, bias))
            node.input.append(bias)
    add_pre_process_metadata(prepared)  # what the tool would fold, the export has folded
    return prepared
