"""The settings of a training run, which presets give and every checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from aernet.errors import SourceError, did_you_mean
from aernet.models import NetworkSettings
from aernet.network import Architecture, SegmentationNetwork, build_network
from aernet.training.colour import CHANNELS, Colour
from aernet.training.loss import LossName  # noqa: TC001 - the settings are checked against their types

_PRESETS = Path(str(files("aernet.training") / "presets"))

_Text = Annotated[str, Meta(description="a string")]
_Switch = Annotated[bool, Meta(description="true or false")]
_Count = Annotated[int, Meta(ge=1, description="a positive whole number")]
_Seed = Annotated[int, Meta(ge=0, lt=2**32, description=f"a whole number from 0 to {2**32 - 1}")]
_Widths = Annotated[list[Annotated[int, Meta(gt=0)]], Meta(description="positive whole numbers")]
_Sizes = Annotated[
    list[Annotated[int, Meta(gt=0, multiple_of=32)]], Meta(min_length=1, description="multiples of 32")
]
_Rate = Annotated[float, Meta(gt=0, description="a positive number")]


@dataclass(frozen=True)
class Settings:
    """Settings of a training run; a preset gives all of them."""

    name: _Text
    """Name of the model."""
    architecture: Architecture
    """AER-Net or one of the paper's ablations."""
    encoder: _Text
    """timm name of AER-Net's encoder."""
    pretrained: _Switch
    """Whether that encoder starts from ImageNet weights instead of random ones."""
    widths: _Widths
    """Channels of AER-Net's decoder stages, the coarsest first: five, or four before a head of stride 2."""
    colour: Colour
    """Colour space that the network sees; only CIELAB can be exported."""
    sizes: _Sizes
    """Sides of the training pictures in pixels, each for an equal share of the epochs; the last is the
    model's. Where the epochs are fewer than the sizes, the first sizes are left out."""
    augmentation: _Switch
    """Whether the training pictures are changed at random."""
    loss: LossName
    """Equation 1 of the paper, or equation 1 plus half the binary cross-entropy."""
    optimizer: Literal["adam", "adamw"]
    """Adam as in the paper, or AdamW with a weight decay of 0.01."""
    learning_rate: _Rate
    """Highest learning rate of the schedule."""
    schedule: Literal["constant", "one-cycle"]
    """A constant rate as in the paper, or one cycle over the whole run."""
    epochs: _Count
    """Passes over the training subset."""
    batch_size: _Count
    """Pictures in each step, over all processes."""
    seed: _Seed
    """Seed of the weights, the order and the augmentation."""

    def build(self, *, pretrained: Path | bool = False) -> SegmentationNetwork:
        """Return a network for these settings; `pretrained` is that of `aernet.network.aernet`."""
        channels = CHANNELS[self.colour]
        return build_network(self.architecture, self.encoder, self.widths, channels, pretrained=pretrained)

    @property
    def network(self) -> NetworkSettings:
        """How the network is built."""
        return NetworkSettings(self.architecture, self.encoder, self.widths, self.colour)

    @property
    def size(self) -> int:
        """Side of the model's input in pixels."""
        return self.sizes[-1]

    def size_at(self, epoch: int) -> int:
        """Return the side of the training pictures in an epoch, counted from 0."""
        sizes = self.sizes[-self.epochs :]
        return sizes[epoch * len(sizes) // self.epochs]


def preset_names() -> list[str]:
    """Return the names of the bundled presets."""
    return sorted(preset.stem for preset in _PRESETS.glob("*.toml"))


def load_settings(preset: str, **changes: Any) -> Settings:
    """Return the settings of a bundled preset, or of a TOML file, with some changed.

    A preset that names another as its `base` takes all settings from it that it does not give itself.

    Raises:
        SourceError: there is no such preset, it is its own base, or a setting is missing, unknown or has a
            wrong value.
    """
    return settings_from(_values_of(preset) | changes, f"preset {preset}")


def _values_of(preset: str, *above: str) -> dict[str, Any]:
    """Return what a preset and its bases give; `above` are the presets that have it as their base."""
    if preset in above:
        raise SourceError(f"preset {preset}: is its own base ({' -> '.join([*above, preset])})")
    bundled = _PRESETS / f"{preset}.toml"
    path = bundled if bundled.is_file() else Path(preset)
    if not path.is_file():
        names = preset_names()
        nearest = did_you_mean(preset, names)
        raise SourceError(f"preset {preset}: no such file, and not one of {', '.join(names)}{nearest}")
    try:
        values: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SourceError(f"preset {preset}: not TOML ({error})") from error
    if "base" in values:
        base = values.pop("base")
        if not isinstance(base, str):
            raise SourceError(f"preset {preset}: base must be the name of a preset, got {base!r}")
        values = _values_of(base, *above, preset) | values
    return values


def settings_from(values: dict[str, Any], source: str) -> Settings:
    """Return settings from plain values; `source` names their origin in errors.

    Raises:
        SourceError: a setting is missing, unknown or has a wrong value.
    """
    hints = get_type_hints(Settings, include_extras=True)
    if missing := sorted(hints.keys() - values.keys()):
        raise SourceError(f"{source}: lacks {', '.join(missing)}")
    if unknown := sorted(values.keys() - hints.keys()):
        raise SourceError(f"{source}: unknown setting {', '.join(unknown)}")
    for name, hint in hints.items():
        _check(f"{source}: {name}", values[name], hint)
    return Settings(**values)


def _check(what: str, value: object, hint: Any) -> None:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        literal = get_origin(hint) is Literal
        expected = "one of " + ", ".join(get_args(hint)) if literal else hint.__metadata__[0].description
        raise SourceError(f"{what} must be {expected}, got {value!r}") from None
