"""Where engines and caches lie when nobody says otherwise: the user's cache folder."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return `aernet` in the user's cache folder; XDG_CACHE_HOME comes first on every system."""
    if given := os.environ.get("XDG_CACHE_HOME"):
        base = Path(given)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path.home() / ".cache"
    return base / "aernet"


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
