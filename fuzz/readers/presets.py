"""Presets of trainings and recipes of targets, both in TOML."""

from __future__ import annotations

from pathlib import Path

from attempts import attempt

from aernet.engine.targets import load_target
from aernet.training.settings import load_settings


def read(data: bytes, folder: Path) -> None:
    file = folder / "preset.toml"
    file.write_bytes(data)
    attempt(file, lambda path: load_settings(str(path)), lambda path: load_target(str(path)))


def seeds() -> dict[str, bytes]:
    project = Path(__file__).parents[2]
    presets = project / "python/aernet/training/presets"
    files = [
        *sorted(presets.glob("aernet*.toml"))[:4],
        *sorted((project / "engines/targets").glob("*.toml"))[:3],
    ]
    return {file.stem: file.read_bytes() for file in files} | {"deep": b"name = " + b"[" * 5000}
