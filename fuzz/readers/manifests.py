"""Manifests of engines: as they come, and with their digest made right, so that the fields are looked at."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from aernet import AernetError
from aernet.engine import manifest as manifests
from aernet.engine.compatibility import Machine, require_compatible
from aernet.engine.gpu import Gpu
from aernet.engine.inspect import describe_engine, describe_manifest
from aernet.engine.manifest import Manifest, manifest_path
from readers.models import CARD

if TYPE_CHECKING:
    from pathlib import Path

PLAN = b"ftrt" + bytes(20) + bytes((10, 3, 0, 30)) + bytes(64)
MACHINE = Machine({"tensorrt": "10.3.0.30"}, Gpu("Orin", "8.7", 8, "Jetson Orin NX"))


def read(data: bytes, folder: Path) -> None:
    engine = folder / "dark.engine"
    engine.write_bytes(PLAN)
    for content in (data, _signed(data)):
        manifest_path(engine).write_bytes(content)
        describe_engine(engine, MACHINE)
        with suppress(AernetError):
            describe_manifest(manifest_path(engine))
        with suppress(AernetError):
            require_compatible(engine, MACHINE)


def _signed(data: bytes) -> bytes:
    with suppress(ValueError, RecursionError):
        content = json.loads(data)
        if isinstance(content, dict):
            content.pop("manifest_sha256", None)
            return json.dumps(content | {"manifest_sha256": manifests._digest(content)}).encode()
    return data


def seeds() -> dict[str, bytes]:
    return {"plain": sound().to_json().encode(), "deep": b'{"format":' + b"[" * 5000}


def sound() -> Manifest:
    """Return a manifest that goes with `PLAN` and `MACHINE`."""
    import hashlib

    return Manifest(
        aernet="0.1.0",
        model="aernet",
        metadata=CARD,
        onnx_sha256="0" * 64,
        plan_sha256=hashlib.sha256(PLAN).hexdigest(),
        runtime="tensorrt",
        runtime_version="10.3.0.30",
        gpu="Orin",
        multiprocessors=8,
        board="Jetson Orin NX",
        compute_capabilities=("8.7",),
        precision="fp16",
        convolutions={"float16": 3},
        batch=(1, 1, 4),
        workspace_mib=64,
        optimization_level=3,
        target="jetson-orin-nx-jetpack6",
        conversion=None,
        verification=None,
        layers=(),
    )
