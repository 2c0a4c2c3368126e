"""The manifest beside an engine: NAME.engine.json says what NAME.engine is, was made from and runs on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, is_dataclass, replace
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from aernet.engine.verification import Verification
from aernet.errors import EngineError, ModelError
from aernet.files import replacing
from aernet.models import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "aernet-engine-1"
NOT_VERIFIED = "not verified: no GPU"


@dataclass(frozen=True)
class Manifest:
    """What is known of an engine."""

    aernet: str
    """The version of aernet that wrote it."""
    model: str
    """The model that it was built from: the name of a bundled one, or the path of a file."""
    metadata: dict[str, str]
    """What that model says of itself, as its ONNX has it; see `card`."""
    onnx_sha256: str
    """The digest of the FP32 ONNX file."""
    plan_sha256: str
    """The digest of the engine file."""
    runtime: str
    """What it runs in: "tensorrt" or "tensorrt-rtx"."""
    runtime_version: str
    """The one version of that which it runs in."""
    gpu: str | None
    """The GPU that it was built on and runs on; None for an engine of TensorRT-RTX, which asks for none."""
    compute_capabilities: tuple[str, ...]
    """Those that it runs on, such as "8.6"; "8.0+" means that one and all later."""
    precision: str
    """"fp16" or "fp32"."""
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
    conversion: Verification | None
    """How near the FP16 model came to the FP32 model on the CPU; None for an engine in fp32."""
    verification: Verification | None
    """How near the engine came to the FP32 model on a GPU; None before it has run on one."""

    @property
    def card(self) -> ModelCard:
        """What the model says of itself; a runner needs no ONNX."""
        return ModelCard.from_metadata(self.metadata)

    def to_json(self) -> str:
        """Return the manifest as a JSON document with a digest of itself."""
        content = {"format": FORMAT} | asdict(self)
        content["verification"] = content["verification"] or NOT_VERIFIED
        return json.dumps(content | {"manifest_sha256": _digest(content)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is not that, or was changed since.
            ModelError: the model that it tells of is not one of ours.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
            raise ValueError(f"not a manifest of format {FORMAT}")
        if content.pop("manifest_sha256", None) != _digest({"format": FORMAT} | content):
            raise ValueError("it was changed after it was written")
        for name in ("compute_capabilities", "batch"):
            content[name] = tuple(content[name])
        if content["verification"] == NOT_VERIFIED:
            content["verification"] = None
        for name in ("conversion", "verification"):
            content[name] = None if content[name] is None else Verification(**content[name])
        manifest = cls(**content)
        if not _fits(manifest, cls):
            raise ValueError("a value is of another type than it should be")
        least, usual, most = manifest.batch
        if not 1 <= least <= usual <= most or manifest.precision not in {"fp16", "fp32"}:
            raise ValueError(f"it speaks of a batch of {manifest.batch} and of {manifest.precision}")
        ModelCard.from_metadata(manifest.metadata)
        return manifest


def manifest_path(engine: Path) -> Path:
    """Return where the manifest of an engine lies: NAME.engine.json for NAME.engine."""
    return engine.with_name(f"{engine.name}.json")


def load_manifest(engine: Path) -> Manifest:
    """Read the manifest of an engine; whether it tells the truth is for `check_engine`.

    Raises:
        EngineError: it is missing, unreadable, or was changed.
    """
    path = manifest_path(engine)
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EngineError(
            f"{engine}: its manifest {path.name} is missing, so that nobody knows what it was built for;"
            f" build it again: aernet-trt build-engine MODEL -o {engine.parent}"
        ) from None
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError, ModelError) as error:
        raise EngineError(
            f"{path}: not the manifest of an engine ({error});"
            f" build it again: aernet-trt build-engine MODEL -o {engine.parent}"
        ) from None


def write_engine(engine: Path, plan: bytes, manifest: Manifest) -> None:
    """Write engine and manifest, the manifest last: an engine without its own manifest is never taken.

    Raises:
        AernetError: they cannot be written.
    """
    with replacing(manifest_path(engine)) as temporary:
        temporary.write_text(manifest.to_json(), encoding="utf-8")
        with replacing(engine) as temporary_engine:
            temporary_engine.write_bytes(plan)


def record_verification(engine: Path, verification: Verification) -> None:
    """Note in the manifest how an engine did on a GPU; one that failed is refused from then on.

    Raises:
        EngineError: there is no manifest.
        AernetError: it cannot be written.
    """
    manifest = replace(load_manifest(engine), verification=verification)
    with replacing(manifest_path(engine)) as temporary:
        temporary.write_text(manifest.to_json(), encoding="utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 digest of a file as hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _fits(value: Any, kind: Any) -> bool:
    """Tell whether a value is of an annotated type, and all within it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_fits(value, one) for one in inner)
    if origin is dict:
        key, item = inner
        return isinstance(value, dict) and all(_fits(k, key) and _fits(v, item) for k, v in value.items())
    if origin is tuple:
        kinds = len(value) * inner[:1] if inner[-1] is ... else inner
        return len(value) == len(kinds) and all(map(_fits, value, kinds))
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return False
    return not is_dataclass(kind) or all(
        _fits(getattr(value, name), its_kind) for name, its_kind in get_type_hints(kind).items()
    )


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
