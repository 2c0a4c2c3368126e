"""A head that doubles the resolution, as a convolution at half the resolution whose channels are interleaved.

A transposed convolution of side 2 and stride 2 is the same function as a 1 x 1 convolution to four channels
and a rearrangement (Shi et al. 2016). For batches TensorRT needs less memory for the latter.
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
    from onnx import helper, numpy_helper  # noqa: PLC0415 - an extra

    result = deepcopy(model)
    graph = result.graph
    head = next(node for node in graph.node if node.output[0] == graph.node[-1].input[0])
    if head.op_type != "ConvTranspose":
        return result
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    weight, *bias = (numpy_helper.to_array(tensors[name]) for name in head.input[1:])  # no bias if it is 0
    interleaved = [weight.reshape(-1, 4).T[:, :, None, None], *(np.repeat(value, 4) for value in bias)]
    for name, values in zip(head.input[1:], interleaved, strict=True):
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
    quarters = f"{head.output[0]}/quarters"
    nodes = [
        helper.make_node("Conv", head.input, [quarters], head.name, kernel_shape=[1, 1]),
        helper.make_node("DepthToSpace", [quarters], head.output, f"{head.name}/interleave", blocksize=2),
    ]
    index = list(graph.node).index(head)
    nodes = [*graph.node[:index], *nodes, *graph.node[index + 1 :]]
    # The exporter noted the old shapes of the weights.
    kept = [value for value in graph.value_info if value.name not in head.input]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.value_info.extend(kept)
    return result
