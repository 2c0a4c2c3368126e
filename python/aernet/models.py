"""Models: the card that each carries in its metadata, and those that come with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aernet.errors import ModelError
from aernet.quality import Quality

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

_PREFIX = "aernet."  # of our ONNX metadata properties; the rest of the name is the field's
_QUALITY = _PREFIX + "quality"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model says of itself."""

    name: str
    version: str
    size: int
    """Side of the network's square input and output, in pixels."""
    threshold: float
    """The probability from which on a pixel belongs to the lesion, in the open (0, 1)."""
    training_data: str
    licence: str
    metrics: dict[str, Any]
    """How well it does, and by which protocol that was measured."""
    revision: str
    """The git revision that it was made from."""
    quality: Quality | None = None
    """How far to trust its masks; None where the model was not calibrated."""

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelCard:
        """Read the card from an ONNX model's metadata properties.

        Raises:
            ModelError: a property is missing, or holds what it cannot mean.
        """
        required = [name for name in cls.__slots__ if name != "quality"]
        missing = [name for name in required if _PREFIX + name not in metadata]
        if missing:
            raise ModelError(
                f"its metadata lack {', '.join(_PREFIX + name for name in missing)}; "
                "models written by 'aernet-trt export' carry them"
            )
        text = {name: metadata[_PREFIX + name] for name in required}
        return cls(
            name=text["name"],
            version=text["version"],
            size=_size(text["size"]),
            threshold=_threshold(text["threshold"]),
            training_data=text["training_data"],
            licence=text["licence"],
            metrics=_metrics(text["metrics"]),
            revision=text["revision"],
            quality=Quality.from_json(metadata[_QUALITY]) if _QUALITY in metadata else None,
        )


def _size(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise ModelError(f"{_PREFIX}size must be a whole number of pixels, found {text!r}")
    return int(text)


def _threshold(text: str) -> float:
    try:
        threshold = float(text)
    except ValueError:
        threshold = float("nan")
    if not 0 < threshold < 1:
        raise ModelError(
            f"{_PREFIX}threshold must be a number between 0 and 1, both excluded, found {text!r}"
        )
    return threshold


def _metrics(text: str) -> dict[str, Any]:
    try:
        metrics = json.loads(text)
    except ValueError:
        metrics = None
    if not isinstance(metrics, dict):
        raise ModelError(f"{_PREFIX}metrics must be a JSON object, found {text[:40]!r}")
    return metrics


def bundled_models() -> dict[str, Path]:
    """Return the models that come with the package: file by name, in order of names."""
    folder = Path(str(files("aernet"))) / "engines" / "models"
    return {path.stem: path for path in sorted(folder.glob("*.onnx"))}


def resolve_model(model: str | os.PathLike[str]) -> Path:
    """Return the file of a model named as a bundled one (these come first) or by its path.

    Raises:
        ModelError: it is neither.
    """
    bundled = bundled_models()
    if model in bundled:
        return bundled[str(model)]
    path = Path(model)
    if not path.is_file():
        names = ", ".join(bundled) or "none"
        raise ModelError(f"{path}: no such model; give a path to an ONNX file or a bundled name ({names})")
    return path
