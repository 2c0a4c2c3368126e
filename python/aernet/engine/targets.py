"""Recipes of targets: what to build for a device, and where that can be done."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import msgspec

from aernet import remedies
from aernet.engine.plan import version_numbers
from aernet.errors import EngineError, did_you_mean

if TYPE_CHECKING:
    from aernet.engine.compatibility import Machine

_Count = Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True)
class Target:
    """A recipe; every one of its settings is in its file, whose values are held against the types here."""

    name: str
    """The file's, without its ending."""
    description: str
    """The device and its software, in one line."""
    runtime: Literal["tensorrt", "tensorrt-rtx"]
    """What the engine runs in."""
    versions: tuple[str, str]
    """The first version of that which will do, and the first that will not; "" for no such."""
    build_on: Literal["device", "anywhere"]
    """"anywhere" if any machine can build it, without a GPU too."""
    compute_capabilities: tuple[str, ...]
    """Of the device; for TensorRT-RTX those to build for, no entry means all but 7.5."""
    precision: Literal["fp16", "fp32", "int8"]
    """Type of the layers."""
    batch: tuple[_Count, _Count, _Count]
    """Fewest, usual and most pictures in one run."""
    workspace_mib: Annotated[int, msgspec.Meta(ge=0)]
    """MiB of scratch memory that a layer may use; 0 leaves it to the runtime."""

    def options(self) -> dict[str, Any]:
        """Return what it sets of `BuilderOptions`, by name."""
        built_for = self.compute_capabilities if self.runtime == "tensorrt-rtx" else ()
        return {
            "batch": self.batch,
            "workspace_mib": self.workspace_mib or None,
            "compute_capabilities": built_for,
        }

    def require_machine(self, machine: Machine) -> None:
        """See that the engine can be built on this machine.

        Raises:
            EngineError: the runtime is absent or of another version, or it must be built on the device, which
                this machine is not.
        """
        found = machine.gpu.compute_capability if machine.gpu else "no GPU"
        if self.build_on == "device" and self.compute_capabilities and found not in self.compute_capabilities:
            wanted = " or ".join(self.compute_capabilities)
            raise EngineError(
                f"target {self.name}: must be built on the device itself, of compute capability {wanted},"
                f" found {found}; run the same command there, or 'aernet-trt doctor' if this is it"
            )
        version = machine.runtimes.get(self.runtime)
        first, end = (version_numbers(bound) for bound in self.versions)
        if version is None or version_numbers(version) < first or (end and version_numbers(version) >= end):
            bounds = zip(("from", "below"), self.versions, strict=True)
            wanted = " and ".join(f"{word} {bound}" for word, bound in bounds if bound)
            another = "take the recipe for that version, or leave out --target"
            remedy = another if version else remedies.tensorrt(self.runtime)
            raise EngineError(
                f"target {self.name}: expected {self.runtime} {wanted}, found {version or 'none'}"
                f" ({self.description}); {remedy}"
            )


def target_names() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def load_target(name: str) -> Target:
    """Return a recipe by its name, or from a TOML file.

    Raises:
        EngineError: there is no such recipe, or the file lacks a setting, has an unknown one or a wrong one.
    """
    bundled = _folder() / f"{name}.toml"
    path = bundled if bundled.is_file() else Path(name)
    if not path.is_file():
        names = target_names()
        nearest = did_you_mean(name, names)
        raise EngineError(
            f"target {name}: no such file, and not one of {', '.join(names) or 'none'}{nearest}"
        )
    try:
        values = msgspec.toml.decode(path.read_bytes())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise EngineError(f"target {name}: not TOML ({error})") from error
    hints = get_type_hints(Target, include_extras=True)
    if wrong := sorted((hints.keys() - {"name"}) ^ values.keys()):
        raise EngineError(f"target {name}: lacks or does not know {', '.join(wrong)}")
    for setting, value in values.items():
        try:
            values[setting] = msgspec.convert(value, hints[setting])
        except msgspec.ValidationError as error:  # noqa: PERF203 - there are few settings
            raise EngineError(f"target {name}: {setting} cannot be {value!r} ({error})") from None
    if list(values["batch"]) != sorted(values["batch"]):
        raise EngineError(f"target {name}: batch cannot be {list(values['batch'])} (expected rising numbers)")
    return Target(name=path.stem, **values)


def _folder() -> Path:
    return Path(str(files("aernet"))) / "engines" / "targets"
