"""Where engines and caches lie when nobody says otherwise: the user's cache folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder() -> Path:
    """Return `aernet` in the user's cache folder, which XDG_CACHE_HOME names on Linux."""
    return platformdirs.user_cache_path("aernet", appauthor=False, opinion=False)


def default_engine_path(model_name: str) -> Path:
    """Return where `build-engine` writes the engine of a model, by the name on its card."""
    return cache_folder() / "engines" / f"{_file_name(model_name)}.engine"


def timing_cache_path(runtime: str, version: str, gpu: str) -> Path:
    """Return the file of measured kernels, which are those of one GPU and one TensorRT."""
    return cache_folder() / "timing" / f"{runtime}-{version}" / f"{_file_name(gpu)}.cache"


def runtime_cache_path(version: str, gpu: str, plan_sha256: str) -> Path:
    """Return the file of what TensorRT-RTX compiled for one engine on one GPU."""
    return cache_folder() / "tensorrt-rtx" / version / _file_name(gpu) / f"{plan_sha256[:16]}.cache"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)
