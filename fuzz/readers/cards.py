"""The metadata of a model, of which its card is made: `key=value` lines that end with a zero byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.models import ModelCard, bundled_models
from readers.models import CARD

if TYPE_CHECKING:
    from pathlib import Path


def read(data: bytes, _folder: Path) -> None:
    lines = [line.partition("=") for line in data.decode(errors="replace").split("\0")]
    card = ModelCard.from_metadata({key: value for key, _, value in lines})
    assert 0 < card.threshold < 1
    assert card.size > 0


def seeds() -> dict[str, bytes]:
    deep = CARD | {"aernet.metrics": '{"a":' + "[" * 5000}
    bundled = {name: _joined(_metadata(file)) for name, file in bundled_models().items()}
    return {"plain": _joined(CARD), "deep": _joined(deep)} | bundled


def _metadata(file: Path) -> dict[str, str]:
    import onnx

    return {entry.key: entry.value for entry in onnx.load(file).metadata_props}


def _joined(metadata: dict[str, str]) -> bytes:
    return "\0".join(f"{key}={value}" for key, value in metadata.items()).encode()
