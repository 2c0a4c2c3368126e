"""Models: the card that each carries in its metadata, and those that come with the package."""

from __future__ import annotations

import os
from dataclasses import MISSING, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from aernet.borders import BorderName, Borders
from aernet.errors import ModelError, did_you_mean
from aernet.quality import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "aernet"
"""The bundled model that is used where none is named."""

LARGEST_SIZE = 4096
"""The largest side of a network's input in pixels; a batch of one has 200 MB."""


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a network is built; `aernet.training.settings.Settings` says what the fields mean."""

    architecture: str
    encoder: str
    widths: list[int]
    colour: str


_PREFIX = "aernet."  # of our ONNX metadata properties; the rest of the name is the field's
_JSON: dict[str, tuple[Any, str]] = {
    "size": (
        Annotated[int, msgspec.Meta(gt=0, le=LARGEST_SIZE)],
        f"a whole number of pixels, {LARGEST_SIZE} at most",
    ),
    "threshold": (Annotated[float, msgspec.Meta(gt=0, lt=1)], "a number between 0 and 1, both excluded"),
    "metrics": (dict[str, Any], "a JSON object"),
    "quality": (
        Quality,
        f"a JSON object of {', '.join(Quality.__struct_fields__)}, as `aernet-trt calibrate` finds them",
    ),
    "network": (NetworkSettings, f"a JSON object of {', '.join(NetworkSettings.__struct_fields__)}"),
    "borders": (
        Borders,
        "a JSON object of tight and wide, each with its level and area, the level of tight the higher",
    ),
}
"""The properties that hold JSON: the type of what they hold, and what errors call it."""


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
    network: NetworkSettings | None = None
    """How the network is built, so that it can be trained further; None in models of an earlier aernet."""
    quantised_from: str | None = None
    """Name, version and digest of the float32 model that an INT8 model was made from; None in others."""
    borders: Borders | None = None
    """Its tight and its wide border; None where its calibration did not find them."""

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelCard:
        """Read the card from an ONNX model's metadata properties.

        Raises:
            ModelError: a property is missing, or holds what it cannot mean.
        """
        names = [field.name for field in fields(cls)]
        found = {name: metadata[_PREFIX + name] for name in names if _PREFIX + name in metadata}
        needed = [field.name for field in fields(cls) if field.default is MISSING]
        if missing := [_PREFIX + name for name in needed if name not in found]:
            raise ModelError(
                f"its metadata lack {', '.join(missing)}; models written by 'aernet-trt export' carry them"
            )
        return cls(**{name: _value(name, text) for name, text in found.items()})

    def level(self, border: BorderName) -> float:
        """Return the least probability of a lesion pixel for a border, in the open (0, 1).

        Raises:
            ModelError: the model has the border "isic" alone.
        """
        if border == "isic":
            return self.threshold
        if self.borders is None:
            raise ModelError(
                f"{self.name}: its card states no {border!r} border, only 'isic'; give a threshold, or find"
                " its borders with `aernet-trt calibrate` and export it again"
            )
        return self.borders.tight.level if border == "tight" else self.borders.wide.level


def _value(name: str, text: str) -> Any:
    """Return what a property holds: JSON of the type that `_JSON` gives it, else a text."""
    if name not in _JSON:
        return text
    kind, description = _JSON[name]
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):  # the second where it is nested too deeply
        raise ModelError(f"{_PREFIX}{name} must be {description}, found {text[:40]!r}") from None


def bundled_models() -> dict[str, Path]:
    """Return the models that come with the package: file by name, in order of names."""
    folder = Path(str(files("aernet"))) / "engines" / "models"
    return {path.stem: path for path in sorted(folder.glob("*.onnx"), key=lambda path: path.stem)}


def resolve_model(model: str | os.PathLike[str]) -> Path:
    """Return the file of a model named as a bundled one (these come first) or by its path.

    Raises:
        ModelError: it is neither.
    """
    if not isinstance(model, (str, os.PathLike)):
        raise ModelError(f"model: expected a bundled name or a path, found {model!r}")
    bundled = bundled_models()
    if model in bundled:
        return bundled[str(model)]
    path = Path(model)
    if path.is_dir():
        raise ModelError(f"{path}: expected a model, found a folder; give the path of a file in it")
    if not path.exists() and path.suffix == ".engine":
        raise ModelError(f"{path}: no such engine; give one that aernet-trt build-engine has made")
    if not path.exists():
        names = ", ".join(bundled) or "none"
        raise ModelError(
            f"{path}: no such model{did_you_mean(model, bundled)};"
            f" give a path to an ONNX file or a bundled name ({names})"
        )
    return path
