"""Where engines and caches lie when nobody says otherwise: the user's cache folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import platformdirs

from aernet.engine.plan import version_numbers

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.engine.gpu import Gpu


def cache_folder() -> Path:
    """Return `aernet` in the user's cache folder, which XDG_CACHE_HOME names on Linux."""
    return platformdirs.user_cache_path("aernet", appauthor=False, opinion=False)


def default_engine_path(model_name: str, runtime: str, version: str, gpu: Gpu | None) -> Path:
    """Return where `build-engine` writes the engine of a model, by the name on its card.

    An engine of TensorRT is of one GPU; one of TensorRT-RTX is of several, and `gpu` does not count.
    """
    # pip and the module may write one version differently.
    numbers = ".".join(map(str, version_numbers(version)))
    built_on = _file_name(str(gpu)) if gpu and runtime == "tensorrt" else "several-gpus"
    return engines_folder() / f"{runtime}-{numbers}" / built_on / f"{_file_name(model_name)}.engine"


def engines_folder() -> Path:
    """Return where the engines of all GPUs and runtimes lie."""
    return cache_folder() / "engines"


def default_onnx_path(model_name: str) -> Path:
    """Return where `build-engine` exports a checkpoint to, by the model's name."""
    return engines_folder() / f"{_file_name(model_name)}.onnx"


def timing_cache_path(runtime: str, version: str, gpu: Gpu) -> Path:
    """Return the file of measured kernels, which are those of one GPU and one TensorRT."""
    return cache_folder() / "timing" / f"{runtime}-{version}" / f"{_file_name(str(gpu))}.cache"


def runtime_cache_path(version: str, gpu: Gpu | None, plan_sha256: str) -> Path:
    """Return the file of what TensorRT-RTX compiled for one engine on one GPU."""
    compiled_on = _file_name(str(gpu)) if gpu else "gpu"
    return cache_folder() / "tensorrt-rtx" / version / compiled_on / f"{plan_sha256[:16]}.cache"


def first_load_path(runs_on: str, onnx_sha256: str) -> Path:
    """Return the file of how a model agreed with the CPU when it was first loaded on something else.

    Args:
        runs_on: names what runs it: runtime, device and processor.
        onnx_sha256: the digest of the ONNX file.
    """
    return cache_folder() / "first-loads" / _file_name(runs_on) / f"{onnx_sha256[:16]}.json"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)
