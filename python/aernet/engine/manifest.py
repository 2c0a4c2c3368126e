"""The manifest beside an engine: NAME.engine.json says what NAME.engine is, was made from and runs on."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from aernet.engine.agreement import Agreement  # noqa: TC001 - msgspec reads the types of the fields
from aernet.engine.layers import Layer  # noqa: TC001
from aernet.errors import EngineError, ModelError
from aernet.files import replacing
from aernet.models import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

NOT_VERIFIED = "not verified: no GPU"


class Manifest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="aernet-engine-1"
):
    """What is known of an engine.

    Raises:
        ValueError: the batch is not 1 <= fewest <= usual <= most.
    """

    aernet: str
    """The version of aernet that wrote it."""
    model: str
    """The model that it was built from: the name of a bundled one, or the path of a file."""
    metadata: dict[str, str]
    """What that model says of itself, as its ONNX has it; see `card`."""
    onnx_sha256: str
    """The digest of the ONNX file."""
    plan_sha256: str
    """The digest of the engine file."""
    runtime: str
    """What it runs in: "tensorrt" or "tensorrt-rtx"."""
    runtime_version: str
    """The one version of that which it runs in."""
    gpu: str | None
    """The GPU that it was built on and runs on; None for an engine of TensorRT-RTX, which asks for none."""
    compute_capabilities: tuple[str, ...]
    """Those that it runs on, such as "8.6"."""
    precision: Annotated[str, msgspec.Meta(pattern="^(fp16|fp32|int8)$")]
    """"fp16", "fp32" or "int8"."""
    convolutions: dict[str, int]
    """How many convolutions and matrix products are of which type."""
    batch: tuple[int, int, int]
    """Fewest, usual and most pictures in one run."""
    workspace_mib: int | None
    """The limit that was given for scratch memory, or None."""
    optimization_level: int | None
    """The level that was given, or None."""
    target: str | None
    """The recipe that was given, or None."""
    conversion: Agreement | None
    """How near the FP16 or INT8 graph came to the model on the CPU; None for an engine in fp32."""
    verification: Agreement | None
    """How near the engine came to the model on a GPU; None before it has run on one."""
    multiprocessors: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """How many the GPU has that it was built on; None if `gpu` is."""
    board: str | None = None
    """The model of the board of that GPU, or None."""
    layers: tuple[Layer, ...] | None = None
    """The layers as the runtime told them; None in a manifest of an earlier aernet."""

    def __post_init__(self) -> None:
        least, usual, most = self.batch
        if not 1 <= least <= usual <= most:
            raise ValueError(f"batch must be 1 <= fewest <= usual <= most, found {self.batch}")

    @property
    def card(self) -> ModelCard:
        """What the model says of itself; a runner needs no ONNX."""
        return ModelCard.from_metadata(self.metadata)

    def to_json(self) -> str:
        """Return the manifest as a JSON document with a digest of itself."""
        content = msgspec.to_builtins(self)
        content["verification"] = content["verification"] or NOT_VERIFIED
        return json.dumps(content | {"manifest_sha256": _digest(content)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is not that, or was changed since.
            msgspec.ValidationError: a field is missing, unknown, or not of its type.
            ModelError: the model that it tells of is not one of ours.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("format") != cls.__struct_config__.tag:
            raise ValueError(f"not a manifest of format {cls.__struct_config__.tag}")
        if content.pop("manifest_sha256", None) != _digest(content):
            raise ValueError("it was changed after it was written")
        if content.get("verification") == NOT_VERIFIED:
            content["verification"] = None
        manifest = msgspec.convert(content, cls)
        ModelCard.from_metadata(manifest.metadata)
        return manifest


def manifest_path(engine: Path) -> Path:
    """Return where the manifest of an engine lies: NAME.engine.json for NAME.engine."""
    return engine.with_name(f"{engine.name}.json")


def load_manifest(engine: Path) -> Manifest:
    """Read the manifest of an engine; whether it tells the truth is for `require_compatible`.

    Raises:
        EngineError: it is missing, unreadable, or was changed.
    """
    path = manifest_path(engine)
    again = f"build it again: aernet-trt build-engine MODEL -o {engine.parent}"
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EngineError(
            f"{engine}: its manifest {path.name} is missing, so that nobody knows what it was built for;"
            f" {again}"
        ) from None
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError, msgspec.ValidationError, ModelError) as error:
        raise EngineError(f"{path}: not the manifest of an engine ({error}); {again}") from None


def write_engine(engine: Path, plan: bytes, manifest: Manifest) -> None:
    """Write engine and manifest, the manifest last: an engine without its own manifest is never taken.

    Raises:
        AernetError: they cannot be written.
    """
    with replacing(manifest_path(engine)) as temporary:
        temporary.write_text(manifest.to_json(), encoding="utf-8")
        with replacing(engine) as temporary_engine:
            temporary_engine.write_bytes(plan)


def record_verification(engine: Path, verification: Agreement) -> None:
    """Note in the manifest how an engine did on a GPU; one that failed is refused from then on.

    Raises:
        EngineError: there is no manifest.
        AernetError: it cannot be written.
    """
    manifest = msgspec.structs.replace(load_manifest(engine), verification=verification)
    with replacing(manifest_path(engine)) as temporary:
        temporary.write_text(manifest.to_json(), encoding="utf-8")


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
