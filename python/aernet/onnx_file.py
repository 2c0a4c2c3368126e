"""An ONNX file as data of a stranger: what is looked at before a library that runs models gets it.

Protocol Buffers reads the few fields of onnx.proto that matter here, so that this reading and ONNX Runtime's
agree. A model is refused

- if it keeps weights in other files, which would be read from wherever it says;
- if it has operators that are not ONNX's own, which may do anything, or control flow and functions of its
  own, by which a file of a kilobyte can compute for ever;
- if its weights are stated to be larger than what the file holds, or what a runtime computes of them while it
  opens the model is larger than `_MOST_COMPUTED` numbers;
- if its metadata are longer than `MOST_METADATA`.
"""

from __future__ import annotations

import math
import stat
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aernet.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_BYTES = 1 << 30
"""The largest file that is read as a model."""
MOST_METADATA = 1 << 20
"""The most bytes of a model's metadata, keys and values."""

_MOST_NODES = 1 << 16
_MOST_COMPUTED = 1 << 28  # numbers; all weights of a model in float16, made float32, are far fewer
_STANDARD = {b"", b"ai.onnx"}
_EXTERNAL = 1  # TensorProto.DataLocation

# The fields of onnx.proto, by message: name, number, type ("s" bytes, "i" integer) or message, "*" repeated.
_FIELDS = {
    "Model": "graph:7:Graph metadata_props:14:*Entry training_info:20:*s functions:25:*s",
    "Entry": "key:1:s value:2:s",
    "Graph": "node:1:*Node initializer:5:*Tensor input:11:*Value sparse_initializer:15:*s",
    "Value": "name:1:s",
    "Node": "input:1:*s output:2:*s op_type:4:s attribute:5:*Attribute domain:7:s",
    "Attribute": "name:1:s t:5:Tensor g:6:s tensors:10:*Tensor graphs:11:*s ints:8:*i floats:7:*f"
    " sparse_tensor:22:s sparse_tensors:23:*s",
    "Tensor": "name:8:s dims:1:*i external_data:13:*s data_location:14:i",
}

# What a runtime computes of constants alone while it opens a model. These give as many numbers as they are
# given, or fewer; of others the product of the numbers that they are given is a bound.
_ALIKE = frozenset(  # of their first input's shape
    b"Cast Identity QuantizeLinear DequantizeLinear Neg Abs Sqrt Reciprocal Exp Log Floor Ceil Round Relu"
    b" Sigmoid Tanh Erf Clip Not Softmax".split()
)
_KEEP = _ALIKE | frozenset(
    b"Reshape Transpose Squeeze Unsqueeze Flatten Slice Split ReduceMean ReduceSum ReduceProd ReduceMax"
    b" ReduceMin".split()
)
_BROADCAST = frozenset(
    b"Add Sub Mul Div Pow Mod Min Max Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Where".split()
)
_MULTIPLY = frozenset(b"Gather MatMul Gemm".split())
_TELL_SHAPE = frozenset((b"Shape", b"Size"))  # of any tensor, so that their answer is a constant
_MOST_AXES = 64


def read_onnx(path: Path) -> bytes:
    """Return the content of an ONNX file that may be given to a library.

    Raises:
        ModelError: it cannot be read, is no regular file, or is refused by `require_harmless`; the message
            begins with its name.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ModelError(f"{path}: expected a file, found something else")
        if found.st_size > MOST_BYTES:
            raise ModelError(
                f"{path}: {found.st_size / 1e9:.3g} GB are too large for a model; expected"
                f" {MOST_BYTES / 1e9:.3g} GB at most"
            )
        model = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        require_harmless(model)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return model


def require_harmless(model: bytes) -> None:
    """See that a model needs no other file, computes with ONNX's own operators alone, and states true sizes.

    Whether it is a model of this package, or a valid one, is for others to see.

    Raises:
        ModelError: it is not ONNX, or may harm; the message says by what, and what to do.
    """
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - importing aernet does without

    try:
        content = _model_class().FromString(model)
    except DecodeError:
        raise ModelError("expected an ONNX model, found something else") from None
    graph = content.graph
    if not graph.node:
        raise ModelError("expected an ONNX model, found something without operators")
    metadata = sum(len(entry.key) + len(entry.value) for entry in content.metadata_props)
    if metadata > MOST_METADATA:
        raise ModelError(f"its metadata have {metadata} bytes; expected {MOST_METADATA} at most")
    if any(not _is_text(part) for entry in content.metadata_props for part in (entry.key, entry.value)):
        raise ModelError("its metadata are not UTF-8; write them again")
    if len({entry.key for entry in content.metadata_props}) < len(content.metadata_props):
        raise ModelError("its metadata say a thing twice, of which readers take one or the other")
    if len(graph.node) > _MOST_NODES:
        raise ModelError(f"it has {len(graph.node)} operators; expected {_MOST_NODES} at most")
    if content.functions or content.training_info:
        raise ModelError("it has functions of its own; export it with these inlined")
    if graph.sparse_initializer:
        raise ModelError("it has sparse weights; export it with dense ones")
    for tensor in graph.initializer:
        _require_stored(tensor)
    _require_known_operators(graph.node)
    _require_bounded_constants(graph)


def _require_stored(tensor: Any) -> None:
    """See that the file itself holds all numbers of a tensor."""
    if tensor.data_location == _EXTERNAL or tensor.external_data:
        raise ModelError("it keeps weights in another file; save it as one file, which holds all of them")
    # Two numbers of four bits are one byte, and no number takes less.
    if min(tensor.dims, default=0) < 0 or math.prod(tensor.dims) > 2 * tensor.ByteSize():
        shape = " x ".join(map(str, tensor.dims))
        raise ModelError(f"it states weights of {shape}, but does not hold so many; export it again")


def _require_known_operators(nodes: Iterable[Any]) -> None:
    """See that all operators are ONNX's own and none has a graph within; what these hold is stored."""
    for node in nodes:
        if node.domain not in _STANDARD:
            name = _text(node.domain + b"." + node.op_type)
            raise ModelError(f"it has the operator {name}, which is not ONNX's own; export it without")
        for attribute in node.attribute:
            if attribute.g or attribute.graphs:
                raise ModelError(
                    f"it has control flow (the operator {_text(node.op_type)}); export it without, for"
                    " pictures of one size"
                )
            if attribute.sparse_tensor or attribute.sparse_tensors:
                raise ModelError("it has sparse constants; export it with dense ones")
            for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
                _require_stored(tensor)


def _require_bounded_constants(graph: Any) -> None:
    """See that what can be computed of the weights alone is not much larger than the weights.

    A runtime computes it when it opens the model. The nodes may come in any order.
    """
    constants = _Constants(graph)
    total = 0
    while constants.ready:
        node = constants.ready.pop()
        result = _computed(node.op_type, constants.read_by(node), node.attribute)
        total += result.most
        if total > _MOST_COMPUTED:
            takes = ", ".join(_text(value.name) for value in graph.input)
            if takes == "frames":  # the weights of its resizing are of any size
                raise ModelError(
                    "it takes frames, not image, as `export --with-preprocessing` writes it for other"
                    " programs; give the model that it was made of"
                )
            raise ModelError(
                f"its operator {_text(node.op_type)} may compute more than {_MOST_COMPUTED} numbers of"
                f" constants alone (its input: {takes}); export it with its constants folded"
            )
        for name in node.output:
            constants.know(name, result)


class _Constant(NamedTuple):
    most: int
    """The most numbers that it may have."""
    shape: tuple[int, ...] | None
    """Its shape, where that is known."""


class _Constants:
    """The tensors of a graph that are known to be constants, and the nodes that compute more of them."""

    def __init__(self, graph: Any) -> None:
        nodes = list(graph.node)
        # What each reads; the shape of a tensor may be known before the tensor is.
        inputs = [set() if node.op_type in _TELL_SHAPE else {*filter(None, node.input)} for node in nodes]
        self._nodes = nodes
        self._lacking = [len(names) for names in inputs]  # how many are not known to be constants yet
        self._readers: dict[bytes, list[int]] = {}
        for index, names in enumerate(inputs):
            for name in names:
                self._readers.setdefault(name, []).append(index)
        self._known: dict[bytes, _Constant] = {}
        self.ready = [node for node, count in zip(nodes, self._lacking, strict=True) if count == 0]
        """Nodes that read nothing but constants, and were not taken yet."""
        for tensor in graph.initializer:
            self.know(tensor.name, _Constant(math.prod(tensor.dims), tuple(tensor.dims)))

    def read_by(self, node: Any) -> list[_Constant]:
        """Return the constants that a node reads."""
        return [self._known[name] for name in node.input if name in self._known]

    def know(self, name: bytes, constant: _Constant) -> None:
        """Note that a tensor is a constant."""
        if name in self._known:  # the same name twice, which ONNX Runtime refuses
            return
        self._known[name] = constant
        for index in self._readers.get(name, ()):
            self._lacking[index] -= 1
            if self._lacking[index] == 0:
                self.ready.append(self._nodes[index])


def _computed(kind: bytes, inputs: list[_Constant], attributes: Iterable[Any]) -> _Constant:
    """Return a bound of what an operator computes of constants alone."""
    counts = [constant.most for constant in inputs]
    if kind in _TELL_SHAPE:
        return _Constant(_MOST_AXES, (_MOST_AXES,))  # or shorter
    if kind == b"Gather" and len(inputs) == 2 and len(inputs[0].shape or ()) == 1:
        return inputs[1]  # a number for each index
    if kind == b"Constant":
        sizes = [max(len(one.ints), len(one.floats), math.prod(one.t.dims)) for one in attributes]
        return _Constant(max(sizes, default=0), None)
    if kind in _KEEP and inputs:
        return _Constant(max(counts), inputs[0].shape if kind in _ALIKE else None)
    if kind in _BROADCAST and inputs:
        return _broadcast(inputs)
    bounds = {b"Concat": sum(counts), **dict.fromkeys(_MULTIPLY, math.prod(counts))}
    return _Constant(bounds.get(kind, _MOST_COMPUTED + 1), None)  # such as Tile, whose answer has any size


def _broadcast(inputs: list[_Constant]) -> _Constant:
    shapes = [constant.shape for constant in inputs if constant.shape is not None]
    if len(shapes) == len(inputs):
        with suppress(ValueError):  # they do not fit, which ONNX Runtime refuses
            shape = np.broadcast_shapes(*shapes)
            return _Constant(math.prod(shape), shape)
    return _Constant(math.prod(constant.most for constant in inputs), None)


@cache
def _model_class() -> Any:
    """Return the class of messages that has the fields of `_FIELDS`, in a pool of its own."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: PLC0415 - as above

    kinds = descriptor_pb2.FieldDescriptorProto
    numbers = {"s": kinds.TYPE_BYTES, "i": kinds.TYPE_INT64, "f": kinds.TYPE_FLOAT}
    file = descriptor_pb2.FileDescriptorProto(name="aernet/onnx.proto", package="aernet", syntax="proto3")
    for name, listed in _FIELDS.items():
        message = file.message_type.add(name=name)
        for entry in listed.split():
            field, number, kind = entry.split(":")
            repeated, kind = kind.startswith("*"), kind.lstrip("*")
            message.field.add(
                name=field,
                number=int(number),
                label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL,
                type=numbers.get(kind, kinds.TYPE_MESSAGE),
                type_name=None if kind in numbers else f".aernet.{kind}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aernet.Model"))


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(name: bytes) -> str:
    return ascii(name[:80].decode("latin-1"))[1:-1]
