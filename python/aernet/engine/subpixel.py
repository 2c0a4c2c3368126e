"""Layers that double the resolution, as convolutions at half the resolution whose channels are interleaved.

A transposed convolution of side 2 and stride 2 is the same function as a 1 x 1 convolution to four times the
channels and a rearrangement (Shi et al. 2016). For batches TensorRT needs less memory for the latter, and
ONNX Runtime has it in integers.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def with_subpixel_head(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a float32 model whose transposed convolution in the head is a convolution and DepthToSpace.

    A model whose head has the full resolution stays as it is.

    Args:
        model: what `aernet-trt export` writes; the logits come from the node that the last sigmoid reads.
    """
    head = next(node for node in model.graph.node if node.output[0] == model.graph.node[-1].input[0])
    return _subpixel(model, [head.output[0]])


def with_subpixels(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a float32 model whose transposed convolutions are all convolutions and DepthToSpace."""
    return _subpixel(model, [node.output[0] for node in model.graph.node])


def _subpixel(model: onnx.ModelProto, outputs: list[str]) -> onnx.ModelProto:
    """Replace the transposed convolutions among the nodes that put out these tensors."""
    from onnx import helper, numpy_helper  # noqa: PLC0415 - an extra

    result = deepcopy(model)
    graph = result.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes, changed = [], set()
    for node in graph.node:
        if node.op_type != "ConvTranspose" or node.output[0] not in outputs:
            nodes.append(node)
            continue
        weight, *bias = (
            numpy_helper.to_array(tensors[name]) for name in node.input[1:]
        )  # no bias if it is 0
        channels = weight.shape[0]  # weights are C_in x C_out x 2 x 2
        interleaved = [
            weight.reshape(channels, -1).T[:, :, None, None],
            *(np.repeat(value, 4) for value in bias),
        ]
        for name, values in zip(node.input[1:], interleaved, strict=True):
            tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
        changed.update(node.input[1:])
        quarters = f"{node.output[0]}/quarters"
        nodes += [
            helper.make_node("Conv", node.input, [quarters], node.name, kernel_shape=[1, 1]),
            helper.make_node(
                "DepthToSpace", [quarters], node.output, f"{node.name}/interleave", blocksize=2, mode="CRD"
            ),
        ]
    # The exporter noted the old shapes of the weights.
    kept = [value for value in graph.value_info if value.name not in changed]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.value_info.extend(kept)
    return result
