"""The layers that TensorRT made of a model: their types, and the ONNX nodes that each of them computes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TYPES = {"half": "float16", "fp16": "float16", "float": "float32", "fp32": "float32", "int8": "int8"}
_LOGGED = re.compile(
    r"Name: (?P<Name>.*?), LayerType: (?P<LayerType>\w*), Inputs: (?P<Inputs>.*?)(?:, Constants: .*?)?"
    r", Outputs: (?P<Outputs>.*), TacticName: .*, Metadata: (?P<Metadata>.*)"
)
LOG_HEADING = "Layers:\n"


class Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A layer of an engine."""

    name: str
    """As the runtime calls it."""
    kind: str
    """As the runtime calls it, such as "correlation" for a convolution; "" where it tells none."""
    inputs: tuple[str, ...]
    """The types of the tensors that it reads, such as "float16", without its weights."""
    outputs: tuple[str, ...]
    """The types of the tensors that it writes."""
    nodes: tuple[str, ...]
    """The ONNX nodes that it computes: several are fused into one layer; none is a copy or a reordering."""


def layers_in_log(message: str) -> tuple[Layer, ...]:
    """Read the layers from the message of TensorRT-RTX's verbose build log that begins with `LOG_HEADING`."""
    logged = (match.groupdict() for match in map(_LOGGED.match, message.splitlines()) if match)
    return tuple(
        Layer(
            layer["Name"],
            layer["LayerType"],
            _types(re.findall(r"[Dd]ata[Tt]ype: ([^,}]*)", layer["Inputs"])),
            _types(re.findall(r"[Dd]ata[Tt]ype: ([^,}]*)", layer["Outputs"])),
            _nodes(layer["Metadata"]),
        )
        for layer in logged
    )


def layers_of_inspector(told: Iterable[str | Mapping[str, Any]]) -> tuple[Layer, ...]:
    """Read the layers from the JSON of TensorRT's inspector, which may tell of a layer its name alone."""
    described = ({"Name": layer} if isinstance(layer, str) else layer for layer in told)
    return tuple(
        Layer(
            layer["Name"],
            layer.get("LayerType", ""),
            _types(map(_datatype, layer.get("Inputs", ()))),
            _types(map(_datatype, layer.get("Outputs", ()))),
            _nodes(layer.get("Metadata", "")),
        )
        for layer in described
    )


def _datatype(tensor: Mapping[str, str]) -> str:
    """Return how the inspector tells the type; TensorRT 11 has parted it from the format."""
    return tensor.get("Datatype") or tensor.get("Format/Datatype") or ""


def _types(told: Iterable[str]) -> tuple[str, ...]:
    """Return NumPy's names of types, which TensorRT may tell within a sentence about the format."""
    words = ((text, re.findall(r"\w+", text.lower())) for text in told if text)
    return tuple(
        next((_TYPES[word] for word in found if word in _TYPES), text.lower()) for text, found in words
    )


def _nodes(metadata: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r"\[ONNX Layer: ([^\]]*)\]", metadata)))
