"""The architecture of the model that a run starts from, and the settings of a run that takes it over."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from aernet.engine.onnx_model import read_model
from aernet.errors import ModelError, SourceError
from aernet.training.checkpoint import load_checkpoint
from aernet.training.settings import Settings, load_settings, settings_from

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.models import NetworkSettings

DEFAULT_PRESET = "aernet-v2b0"


def settings_of_run(preset: str | None, start: Path | None, **changes: Any) -> Settings:
    """Return the settings of a preset, or those of the default one with the network and size of a model.

    Args:
        preset: a preset as `load_settings` takes it; None takes `aernet-v2b0`.
        start: checkpoint or exported ONNX model; where `preset` is None the network is built like that one,
            and sees pictures of its size alone.
        changes: settings that are given otherwise.

    Raises:
        SourceError: there is no such preset or checkpoint, or a setting cannot be.
        ModelError: there is no such model, it does not say how its network is built, or it is an INT8 model.
    """
    if start is None or preset is not None:
        return load_settings(preset or DEFAULT_PRESET, **changes)
    network, size = _described(start)
    if network is None:
        raise ModelError(
            f"{start}: does not say how its network is built (aernet.network, which `aernet-trt export`"
            " writes); name a preset of the same architecture with --preset"
        )
    values = asdict(load_settings(DEFAULT_PRESET)) | to_builtins(network) | {"sizes": [size]}
    return settings_from(values | changes, str(start))


def require_same_network(settings: Settings, start: Path) -> None:
    """Raise an error if a run is to start from the weights of a network that is built otherwise.

    Raises:
        SourceError: a setting differs, or there is no such checkpoint.
        ModelError: there is no such model, or it is an INT8 model.
    """
    network, _ = _described(start)
    ours = to_builtins(settings.network)
    theirs = {"colour": "cielab"} if network is None else to_builtins(network)  # only CIELAB can be exported
    compared = [name for name in ours if name in theirs]
    if settings.architecture != "aernet":
        compared = [name for name in compared if name not in {"encoder", "widths"}]  # U-Nets have their own
    for name in compared:
        if ours[name] != theirs[name]:
            raise SourceError(
                f"{start}: has {name} {theirs[name]}, but the preset {name} {ours[name]}; leave --preset out,"
                " and the run takes the network of the model"
            )


def _described(start: Path) -> tuple[NetworkSettings | None, int]:
    """Return how the network of a model is built, if it says so, and the side of its input."""
    network: NetworkSettings | None
    if start.suffix == ".pt":
        checkpoint = load_checkpoint(start)
        network, size = checkpoint.settings.network, checkpoint.settings.size
        is_int8 = checkpoint.graph is not None
    else:
        card = read_model(start).card
        network, size, is_int8 = card.network, card.size, card.quantised_from is not None
    if is_int8:
        raise ModelError(f"{start}: has eight bits; start from the float32 model that it was made from")
    return network, size
