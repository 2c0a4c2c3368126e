"""What float16 would make of a model, told on the CPU."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from aernet._native import get_num_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import onnx
    import onnxruntime

    from aernet.engine.onnx_model import OnnxModel


def rounding(half: OnnxModel) -> onnx.ModelProto:
    """Return a float32 model that rounds to float16 wherever `half` holds float16."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    result = deepcopy(half.proto)
    graph = result.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    nodes = []
    for node in graph.node:
        nodes.append(node)
        for index, output in enumerate(node.output):
            if half.element_types.get(output) == TensorProto.FLOAT16:
                exact, small = f"{output}/exact", f"{output}/float16"
                node.output[index] = exact
                nodes.append(helper.make_node("Cast", [exact], [small], to=TensorProto.FLOAT16))
                nodes.append(helper.make_node("Cast", [small], [output], to=TensorProto.FLOAT))
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    return result


def largest_activations(model: OnnxModel, images: Sequence[npt.NDArray[np.float32]]) -> dict[str, float]:
    """Return the largest |x| that each node of a float32 model puts out on the images, by the node's name."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    measured = deepcopy(model.proto)
    graph = measured.graph
    names = []
    for node in tuple(graph.node):
        output = node.output[0]
        if model.element_types.get(output) == TensorProto.FLOAT:
            size, largest = f"{output}/size", f"{output}/largest"
            names.append(node.name or output)
            graph.node.append(helper.make_node("Abs", [output], [size]))
            graph.node.append(helper.make_node("ReduceMax", [size], [largest], keepdims=0))
            graph.output.append(helper.make_tensor_value_info(largest, TensorProto.FLOAT, []))
    session = open_session(measured)
    sizes = np.array([session.run(None, {"image": image})[1:] for image in images])
    return dict(zip(names, sizes.max(axis=0).tolist(), strict=True))


def open_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Open a model in ONNX Runtime on the CPU."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what ONNX Runtime refuses reaches us as an exception
    options.intra_op_num_threads = get_num_threads()
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
