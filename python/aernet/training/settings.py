"""What a training run is made of: read from a preset, kept in every checkpoint."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from aernet.errors import SourceError
from aernet.network import Architecture  # noqa: TC001 - the settings are checked against their types
from aernet.training.colour import Colour  # noqa: TC001
from aernet.training.loss import LossName  # noqa: TC001

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Settings:
    """Settings of a training run; the presets give every one of them."""

    name: str
    """Name of the model."""
    architecture: Architecture
    """AER-Net or one of the paper's ablations."""
    encoder: str
    """timm name of AER-Net's encoder."""
    pretrained: bool
    """Whether that encoder starts from ImageNet weights; else from random ones."""
    widths: list[int]
    """Channels of AER-Net's decoder stages, the coarsest first: five, or four and a head of stride 2."""
    colour: Colour
    """Colour space that the network sees; models that ship see CIELAB."""
    sizes: list[int]
    """Sides of the training pictures in pixels, each for an equal share of the epochs; the last ships."""
    augmentation: bool
    """Whether the training pictures are changed at random."""
    loss: LossName
    """Equation 1, or equation 1 and half the binary cross-entropy."""
    optimizer: Literal["adam", "adamw"]
    """Adam as in the paper, or AdamW with a weight decay of 0.01."""
    learning_rate: float
    """Peak of the schedule."""
    schedule: Literal["constant", "one-cycle"]
    """Constant as in the paper, or one cycle over the whole run."""
    epochs: int
    """Passes over the training subset."""
    batch_size: int
    """Pictures a step, over all processes."""
    seed: int
    """Seed of the weights, the order and the augmentation."""
    training_data: str
    """The pictures that the network will have learned from, for the model card."""
    licence: str
    """Licence of the network, given that of its pictures, for the model card."""

    @property
    def size(self) -> int:
        """Side of the model's input in pixels."""
        return self.sizes[-1]

    def size_at(self, epoch: int) -> int:
        """Return the side of the training pictures in an epoch, counted from 0."""
        return self.sizes[epoch * len(self.sizes) // self.epochs]


def preset_names() -> list[str]:
    """Return the names of the bundled presets."""
    return sorted(Path(preset.name).stem for preset in _presets().iterdir() if preset.name.endswith(".toml"))


def load_settings(preset: str, **changes: Any) -> Settings:
    """Return the settings of a bundled preset, or of a TOML file, with some changed.

    Where a preset names another as its `base`, it has the settings of that one but for those it gives itself.

    Raises:
        SourceError: no such preset, or it lacks a setting, has an unknown one, or one of the wrong type.
    """
    bundled = _presets() / f"{preset}.toml"
    path = bundled if bundled.is_file() else Path(preset)
    if not path.is_file():
        raise SourceError(f"preset {preset}: no such file, and not one of {', '.join(preset_names())}")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"preset {preset}: not TOML ({error})") from error
    if "base" in values:
        values = asdict(load_settings(values.pop("base"))) | values
    return settings_from(values | changes, f"preset {preset}")


def settings_from(values: dict[str, Any], source: str) -> Settings:
    """Return settings from plain values; `source` names their origin in errors.

    Raises:
        SourceError: a setting is missing, unknown, or not what it may be.
    """
    expected = {field.name for field in fields(Settings)}
    if missing := sorted(expected - values.keys()):
        raise SourceError(f"{source}: lacks {', '.join(missing)}")
    if unknown := sorted(values.keys() - expected):
        raise SourceError(f"{source}: unknown setting {', '.join(unknown)}")
    for name, hint in get_type_hints(Settings).items():
        if not _fits(values[name], hint):
            raise SourceError(f"{source}: {name} must be {_described(hint)}, got {values[name]!r}")
    settings = Settings(**values)
    if not settings.sizes or any(size % 32 or size < 32 for size in settings.sizes):
        raise SourceError(f"{source}: sizes must be multiples of 32, got {settings.sizes}")
    return settings


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(type(entry) is int and entry > 0 for entry in value)
    if hint is float:
        return isinstance(value, float | int) and value > 0
    return type(value) is hint


def _described(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(get_args(hint))
    return {str: "a string", bool: "true or false", int: "a whole number"}.get(hint, "positive numbers")


def _presets() -> Path:
    return Path(str(files("aernet.training") / "presets"))
