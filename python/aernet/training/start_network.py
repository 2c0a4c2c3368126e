"""The architecture of the model that a run starts from, and the settings of a run that takes it over."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from aernet.errors import ModelError, SourceError
from aernet.training.origin import read_origin
from aernet.training.settings import Settings, load_settings, settings_from

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.training.origin import Origin

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
    origin = read_origin(start)
    origin.require_float32()
    if origin.network is None:
        raise ModelError(
            f"{start}: does not say how its network is built (aernet.network, which `aernet-trt export`"
            " writes); name a preset of the same architecture with --preset"
        )
    values = asdict(load_settings(DEFAULT_PRESET)) | to_builtins(origin.network) | {"sizes": [origin.size]}
    return settings_from(values | changes, str(start))


def require_same_network(settings: Settings, start: Origin) -> None:
    """Raise an error if a run is to start from the weights of a network that is built otherwise.

    Raises:
        SourceError: a setting differs.
        ModelError: it is an INT8 model.
    """
    start.require_float32()
    ours = to_builtins(settings.network)
    # Only CIELAB can be exported.
    theirs = {"colour": "cielab"} if start.network is None else to_builtins(start.network)
    compared = [name for name in ours if name in theirs]
    if settings.architecture != "aernet":
        compared = [name for name in compared if name not in {"encoder", "widths"}]  # U-Nets have their own
    for name in compared:
        if ours[name] != theirs[name]:
            raise SourceError(
                f"{start.path}: has {name} {theirs[name]}, but the preset {name} {ours[name]}; leave"
                " --preset out, and the run takes the network of the model"
            )
