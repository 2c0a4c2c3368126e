"""FP32 ONNX to mixed FP16 ONNX, and the proof on the CPU that the answers stay what they were.

Input, output, the layers up to the first spatial convolution and the probability head stay in float32. The
first, because CIELAB of skin lies close together and 11 bits part it badly; the head, because thresholds are
cut there. All else is float16, in the graph itself, so that a strongly typed TensorRT network has no choice.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from aernet._native import preprocess
from aernet.engine.agreement import Agreement
from aernet.engine.onnx_model import HEAVY, LARGEST_HALF, OnnxModel, element_types
from aernet.engine.rounding import largest_activations, open_session, rounding
from aernet.errors import EngineError
from aernet.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import onnx

    from aernet.engine.agreement import Answer


def to_half(model: OnnxModel) -> OnnxModel:
    """Return the model in mixed precision: float32 at both ends, float16 between; metadata are kept.

    Raises:
        EngineError: a layer that should be float16 is not, or none should be.
    """
    from onnxruntime.transformers import float16  # noqa: PLC0415 - brings onnx

    named = deepcopy(model.proto)
    for index, node in enumerate(named.graph.node):  # the converter knows nodes by their names
        node.name = node.name or f"{node.op_type}_{index}"
    kept = {*stem(named.graph), *head(named.graph)}
    heavy = [node.name for node in named.graph.node if node.op_type in HEAVY]
    expected = sum(name not in kept for name in heavy)
    mixed = float16.convert_float_to_float16(named, keep_io_types=True, node_block_list=sorted(kept))
    half = OnnxModel(_tidied(mixed))
    if not expected or half.layer_types != Counter(float16=expected, float32=len(heavy) - expected):
        raise EngineError(
            f"asked for fp16, expected {expected} of {len(heavy)} convolutions in float16, the conversion"
            f" gave {dict(half.layer_types)}; build with --precision fp32, or report this model"
        )
    return half


def require_agreement(model: OnnxModel, half: OnnxModel, pictures: Sequence[Path]) -> Agreement:
    """Compare a float16 model with the float32 model that it was made from, on real pictures, on the CPU.

    ONNX Runtime computes float16 convolutions on the CPU in float32 and leaves out roundings between them, so
    that what overflows on a GPU may not overflow there. Every float16 tensor is therefore rounded explicitly.

    Raises:
        EngineError: they differ by more than `Agreement.passes` allows; the message names the layers whose
            activations float16 cannot hold.
        SourceError: a picture cannot be read.
    """
    card = model.card
    images = [preprocess(read_picture(picture), card.size)[None] for picture in pictures]
    exact, rounded = (answers(proto, images, card.threshold) for proto in (model.proto, rounding(half)))
    agreement = Agreement.of("float16 rounding in ONNX Runtime", zip(exact, rounded, strict=True))
    if not agreement.passes("fp16"):
        overflowing = sorted(largest_activations(model, images).items(), key=lambda item: -item[1])
        named = [f"{name} {value:.3g}" for name, value in overflowing if not value <= LARGEST_HALF]
        layers = ", ".join(named[:8]) or "none"
        agreement.require(
            f"{card.name} in fp16",
            "fp16",
            f"activations beyond {LARGEST_HALF:g}: {layers}; build with --precision fp32",
        )
    return agreement


def stem(graph: onnx.GraphProto) -> list[str]:
    """Name the nodes up to the first convolution that looks at more than one pixel."""
    names = []
    for node in graph.node:
        names.append(node.name)
        if node.op_type == "Conv" and any(
            attribute.name == "kernel_shape" and max(attribute.ints) > 1 for attribute in node.attribute
        ):
            return names
    return []


def head(graph: onnx.GraphProto) -> Iterator[str]:
    """Name the nodes from the probability back to the last convolution."""
    maker = {output: node for node in graph.node for output in node.output}
    node = maker.get(graph.output[0].name)
    while node is not None:
        yield node.name
        node = None if node.op_type in HEAVY else maker.get(node.input[0])


def _tidied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take out casts that change nothing or undo the one before, so that what is float32 is so throughout.

    The converter casts every tensor between two float32 nodes to float16 and back, and float32 weights to
    float32. It also leaves the nodes in an order that ONNX forbids.
    """
    import onnx  # noqa: PLC0415
    from onnxruntime.transformers import onnx_model  # noqa: PLC0415

    graph = model.graph
    del graph.value_info[:]  # some of the converter's notes are wrong
    onnx_model.OnnxModel.graph_topological_sort(graph)
    types = element_types(model)
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
    maker = {output: node for node in graph.node for output in node.output}
    same: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Cast" and types[node.input[0]] in floats:
            origin = same.get(node.input[0], node.input[0])
            before = maker.get(origin)
            origins = (origin, before.input[0]) if before and before.op_type == "Cast" else (origin,)
            equal = [tensor for tensor in origins if types[tensor] == types[node.output[0]]]
            if equal:
                same[node.output[0]] = equal[0]
    # What the graph puts out keeps its name: its maker writes it directly.
    written = {same[output.name]: output.name for output in graph.output if output.name in same}
    nodes = [node for node in graph.node if node.output[0] not in same]
    for node in nodes:
        for index, tensor in enumerate(node.input):
            origin = same.get(tensor, tensor)
            node.input[index] = written.get(origin, origin)
        for index, tensor in enumerate(node.output):
            node.output[index] = written.get(tensor, tensor)
    used = {tensor for node in nodes for tensor in node.input} | {output.name for output in graph.output}
    needed = [node for node in nodes if node.op_type != "Cast" or node.output[0] in used]
    del graph.node[:]
    graph.node.extend(needed)
    return model


def answers(
    proto: onnx.ModelProto, images: Sequence[npt.NDArray[np.float32]], threshold: float
) -> Iterator[Answer]:
    """Yield a model's mask and probability for each image, 1 x 3 x S x S, in ONNX Runtime on the CPU."""
    session = open_session(proto)
    for image in images:
        (probability,) = session.run(["probability"], {"image": image})
        yield (probability >= threshold).astype(np.uint8), probability
