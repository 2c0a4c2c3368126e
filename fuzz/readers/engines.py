"""Engine files: their headers, and what is known of them without a GPU."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from aernet.engine.compatibility import require_compatible
from aernet.engine.inspect import describe_engine
from aernet.engine.manifest import manifest_path
from aernet.engine.plan import PlanHeader
from readers.manifests import MACHINE, PLAN, sound

if TYPE_CHECKING:
    from pathlib import Path


def read(data: bytes, folder: Path) -> None:
    engine = folder / "dark.engine"
    engine.write_bytes(data)
    manifest = msgspec.structs.replace(sound(), plan_sha256=hashlib.sha256(data).hexdigest())
    manifest_path(engine).write_text(manifest.to_json(), encoding="utf-8")
    PlanHeader.read(engine)
    describe_engine(engine, MACHINE)
    require_compatible(engine, MACHINE)


def seeds() -> dict[str, bytes]:
    return {"tensorrt": PLAN, "tensorrt-rtx": b"v" + PLAN[1:], "other-layout": PLAN[:4] + b"\1" + PLAN[5:]}
