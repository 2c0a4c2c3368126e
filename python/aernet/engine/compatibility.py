"""Whether an engine may be used on a machine, and if not, why not and what to do."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aernet import remedies
from aernet.engine.adapter import installed_runtimes
from aernet.engine.folders import engines_folder
from aernet.engine.gpu import Gpu, find_gpu
from aernet.engine.manifest import Manifest, load_manifest
from aernet.engine.plan import PlanHeader, version_numbers
from aernet.engine.rtx_support import unsupported_because
from aernet.errors import EngineError
from aernet.files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What must match for an engine to run."""

    runtimes: Mapping[str, str]
    """Versions by runtime, as `installed_runtimes` gives them."""
    gpu: Gpu | None
    """The GPU, or None."""

    @classmethod
    def here(cls) -> Machine:
        """Return this machine, with the GPU in use, or else the first that CUDA shows."""
        return cls(installed_runtimes(), find_gpu())


def require_compatible(engine: Path, machine: Machine, model: Path | None = None) -> Manifest:
    """Return the manifest of an engine that may be loaded on this machine.

    Args:
        engine: NAME.engine, with NAME.engine.json beside it.
        machine: where it shall run.
        model: the ONNX file that it must have been built from; None takes any.

    Raises:
        EngineError: it may not be loaded; the message says what differs, and what to do.
    """
    header = PlanHeader.read(engine)
    manifest = load_manifest(engine)
    if sha256_of(engine) != manifest.plan_sha256:
        differs = "not the file that its manifest was written for, or damaged since (SHA-256 differs)"
        raise _refusal(engine, manifest, differs)
    if header.runtime != manifest.runtime or not header.is_of(manifest.runtime_version):
        said, found = f"{manifest.runtime} {manifest.runtime_version}", ".".join(map(str, header.version))
        differs = f"its manifest speaks of {said}, the file is of {header.runtime} {found}"
        raise _refusal(engine, manifest, differs)
    if manifest.layers is None:
        differs = "its manifest is of an earlier aernet, which does not tell the layers"
        raise _refusal(engine, manifest, differs)
    gpu = machine.gpu
    if gpu is None:
        raise EngineError(
            f"{engine}: needs an NVIDIA GPU, and this machine shows none, or no driver for it; to use the"
            f" CPU, name its model instead of the engine: {manifest.model}, with device='cpu'"
        )
    if manifest.runtime == "tensorrt-rtx" and (reason := unsupported_because(gpu)):
        raise _refusal(engine, manifest, reason, gpu, runtime="tensorrt", compute_capabilities=())
    _require_runtime(engine, manifest, machine)
    _require_gpu(engine, manifest, gpu)
    if model is not None and sha256_of(model) != manifest.onnx_sha256:
        differs = f"built from another model than {model} (SHA-256 of the ONNX differs)"
        raise _refusal(engine, manifest, differs, model=str(model))
    if manifest.verification is not None:
        manifest.verification.require(str(engine), manifest.precision, more_exact(engine, manifest))
    return manifest


def more_exact(engine: Path, manifest: Manifest) -> str:
    """Say what to do about an engine that does not give what its model gives."""
    if manifest.precision == "int8":
        return f"build the float32 model that {manifest.model} was made from in fp16"
    return f"build it in fp32: {rebuild_command(engine, manifest, precision='fp32')}"


def rebuild_command(engine: Path, manifest: Manifest, **changes: Any) -> str:
    """Return the command line that builds an engine again as its manifest says, but for `changes`."""
    manifest = replace(manifest, **changes)
    words = ["aernet-trt", "build-engine", manifest.model, "--runtime", manifest.runtime]
    words += ["--precision", manifest.precision, "--batch", *map(str, manifest.batch)]
    for capability in manifest.compute_capabilities:
        if manifest.runtime == "tensorrt-rtx" and not capability.endswith("+"):
            words += ["--compute-capability", capability]
    if manifest.workspace_mib is not None:
        words += ["--workspace", str(manifest.workspace_mib)]
    if manifest.optimization_level is not None:
        words += ["--optimization-level", str(manifest.optimization_level)]
    if engines_folder() not in engine.parents:
        words += ["-o", str(engine.parent)]
    return shlex.join(words)


def _refusal(
    engine: Path, manifest: Manifest, differs: str, gpu: Gpu | None = None, **changes: Any
) -> EngineError:
    command = rebuild_command(engine, manifest, **changes)
    command += f" --device cuda:{gpu.index}" if gpu and gpu.index else ""
    return EngineError(f"{engine}: {differs}; build it again: {command}")


def _require_runtime(engine: Path, manifest: Manifest, machine: Machine) -> None:
    built = f"{manifest.runtime} {manifest.runtime_version}"
    version = machine.runtimes.get(manifest.runtime)
    if version is None and machine.runtimes:
        other, its_version = next(iter(machine.runtimes.items()))
        differs = f"built for {built}, this machine has {other} {its_version}"
        raise _refusal(engine, manifest, differs, runtime=other, compute_capabilities=())
    if version is None:
        raise EngineError(
            f"{engine}: built for {built}, this machine has no TensorRT;"
            f" {remedies.tensorrt(manifest.runtime)}"
        )
    if version_numbers(version) != version_numbers(manifest.runtime_version):
        differs = f"built for {built}, this machine has {manifest.runtime} {version}"
        raise _refusal(engine, manifest, differs)


def _require_gpu(engine: Path, manifest: Manifest, gpu: Gpu) -> None:
    if gpu.compute_capability not in manifest.compute_capabilities:
        wanted = (*manifest.compute_capabilities, gpu.compute_capability)
        differs = (
            f"built for compute capability {', '.join(manifest.compute_capabilities)},"
            f" this machine's {gpu.name} has {gpu.compute_capability}"
        )
        raise _refusal(engine, manifest, differs, gpu, compute_capabilities=wanted)
    if manifest.gpu is None:
        return
    built_on = Gpu(manifest.gpu, gpu.compute_capability, manifest.multiprocessors or 0, manifest.board)
    if built_on != gpu:
        raise _refusal(engine, manifest, f"built on {built_on}, this machine has {gpu}", gpu)
