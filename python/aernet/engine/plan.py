"""What a serialized engine says of itself, read without TensorRT and without a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from aernet.engine.onnx_model import HEAVY
from aernet.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from aernet.engine.onnx_model import OnnxModel

_RUNTIMES = {b"ftrt": "tensorrt", b"vtrt": "tensorrt-rtx"}
_HEADER_SIZE = 28
# Where `trtexec --getPlanVersionOnly` looks; plans of TensorRT-RTX 1.4 to 1.7 begin likewise.
_LAYOUT, _KNOWN_LAYOUT = slice(4, 8), bytes(4)
_VERSION = slice(24, 28)
_SEARCHED = 4
_LEAST_SIZE = 256  # what is smaller may stand in a plan by chance


@dataclass(frozen=True)
class PlanHeader:
    """The first bytes of a plan."""

    runtime: str
    """What built it: "tensorrt" or "tensorrt-rtx"."""
    version: tuple[int, ...]
    """Of that: major, minor, patch, build; empty if the header is of a layout that is not known."""

    @classmethod
    def read(cls, path: Path) -> PlanHeader:
        """Read the header of an engine file.

        Raises:
            EngineError: the file is missing, too short, or does not begin as an engine does.
        """
        try:
            with path.open("rb") as file:
                start = file.read(_HEADER_SIZE)
        except OSError as error:
            raise EngineError(f"{path}: cannot be read ({error.strerror})") from error
        if len(start) < _HEADER_SIZE or start[:4] not in _RUNTIMES:
            raise EngineError(
                f"{path}: not an engine: expected a TensorRT plan, which begins with ftrt or vtrt,"
                f" found {start[:4]!r}; 'aernet-trt build-engine' writes one"
            )
        version = start[_VERSION] if start[_LAYOUT] == _KNOWN_LAYOUT else b""
        return cls(_RUNTIMES[start[:4]], tuple(version))

    def is_of(self, version: str) -> bool:
        """Tell whether the plan is of a version such as "10.3.0", as far as that goes."""
        numbers = version_numbers(version)
        return not self.version or self.version[: len(numbers)] == numbers


def version_numbers(version: str) -> tuple[int, ...]:
    """Return up to four leading numbers of a version: (10, 13, 3, 9) for "10.13.3.9.post1"."""
    return tuple(map(int, takewhile(str.isdecimal, version.split(".")[:4])))


def require_stored_weights(plan: bytes, built: OnnxModel, original: OnnxModel) -> None:
    """See that a TensorRT-RTX plan holds the weights of the model that it was built from, in their type.

    TensorRT-RTX compiles when it loads, and keeps weights as ONNX has them, channels last, or the first two
    axes exchanged. TensorRT packs them for its kernels, so that there is nothing to see.

    Args:
        plan: the engine.
        built: the model that it should be built from.
        original: the FP32 model, none of whose weights may be there where `built` has others.

    Raises:
        EngineError: the plan holds less than half of the largest weights, or one of the original's.
    """
    largest, before = _largest_weights(built), _largest_weights(original)
    found = sum(_holds(plan, array) for array in largest.values())
    foreign = sum(
        _holds(plan, array)
        for name, array in before.items()
        if name in largest and array.dtype != largest[name].dtype
    )
    if foreign or 2 * found < len(largest):
        raise EngineError(
            f"the engine is not what was asked for: of the {len(largest)} largest weights {found} are there"
            f" as they should be, {foreign} in another type; nothing was written; report this model"
        )


def _largest_weights(model: OnnxModel) -> dict[str, npt.NDArray[np.generic]]:
    import onnx  # noqa: PLC0415 - an extra

    graph = model.proto.graph
    origins = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    names = {origins.get(node.input[1], node.input[1]) for node in graph.node if node.op_type in HEAVY}
    weights = [tensor for tensor in graph.initializer if tensor.name in names]
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in weights}
    largest = sorted(arrays, key=lambda name: (-arrays[name].size, name))[:_SEARCHED]
    return {name: arrays[name] for name in largest if arrays[name].size >= _LEAST_SIZE}


def _holds(plan: bytes, array: npt.NDArray[np.generic]) -> bool:
    """Tell whether a plan holds an array of two axes or more in one of the orders that are in use."""
    orders = (array, np.moveaxis(array, 1, -1), np.swapaxes(array, 0, 1))
    return any(order.tobytes() in plan for order in orders)
