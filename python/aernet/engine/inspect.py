"""What can be told of a model or engine file without a GPU and TensorRT."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from aernet.engine.compatibility import Machine, require_compatible
from aernet.engine.manifest import Manifest, load_manifest, manifest_path
from aernet.engine.onnx_model import read_model
from aernet.engine.plan import PlanHeader
from aernet.errors import EngineError
from aernet.files import sha256_of

if TYPE_CHECKING:
    from pathlib import Path


def describe_engine(engine: Path, machine: Machine) -> dict[str, Any]:
    """Return what an engine and its manifest say, and whether the engine may be used on this machine.

    Raises:
        EngineError: the file is not an engine.
    """
    header = PlanHeader.read(engine)
    facts: dict[str, Any] = {
        "kind": "engine",
        "runtime": header.runtime,
        "runtime_version": ".".join(map(str, header.version)) or None,
        "sha256": sha256_of(engine),
        "manifest": None,
        "usable_here": True,
        "why_not": None,
        "layers": None,
    }
    try:
        facts |= _told_by(load_manifest(engine))
        require_compatible(engine, machine)
    except EngineError as error:
        facts |= {"usable_here": False, "why_not": str(error)}
    return facts


def _told_by(manifest: Manifest) -> dict[str, Any]:
    """Return the content of a manifest, and apart from it the layers, which are many."""
    content = json.loads(manifest.to_json())
    layers = content.pop("layers")
    return {"manifest": content, "layers": layers}


def describe_manifest(path: Path) -> dict[str, Any]:
    """Return what a manifest says, NAME.engine.json.

    Raises:
        EngineError: it is not one, or was changed.
    """
    engine = path.with_suffix("")
    if manifest_path(engine) != path:
        raise EngineError(f"{path}: expected a manifest named NAME.engine.json")
    told = _told_by(load_manifest(engine))
    return {"kind": "manifest", **told["manifest"], "layers": told["layers"]}


def describe_onnx(path: Path) -> dict[str, Any]:
    """Return what an AER-Net model says of itself, and of which types its layers are.

    Raises:
        ModelError: it is not one.
    """
    model = read_model(path)
    return {
        "kind": "onnx",
        "sha256": sha256_of(path),
        "card": msgspec.to_builtins(model.card),
        "opset": model.proto.opset_import[0].version,
        "convolutions": dict(model.layer_types),
        "operators": dict(Counter(node.op_type for node in model.proto.graph.node).most_common()),
    }
