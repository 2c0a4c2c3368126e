"""A CUDA toolkit from PyPI, with the static runtime of either processor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COMPILER = (
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-cccl==13.0.85",
)
_RUNTIME = "nvidia-cuda-runtime==13.0.96"


def nvcc_for(processor: str, folder: Path) -> Path:
    """Return the nvcc that links for "x86_64" or "aarch64"; its toolkit is put in the folder once.

    nvcc finds headers and libraries beside itself, so that each processor has a toolkit of its own.
    """
    toolkit = folder / processor
    root = toolkit / "nvidia" / "cu13"
    if not toolkit.is_dir():
        new = folder / f"{processor}.new"
        shutil.rmtree(new, ignore_errors=True)
        _install(new, *_COMPILER, _RUNTIME)
        if processor != "x86_64":
            _exchange_runtime(new / "nvidia" / "cu13" / "lib", processor)
        library = new / "nvidia" / "cu13" / "lib"
        (library.parent / "lib64").symlink_to("lib")  # where nvcc looks
        (library / "libcudart.so").symlink_to("libcudart.so.13")  # without which CMake finds no toolkit
        new.rename(toolkit)
    return root / "bin" / "nvcc"


def _exchange_runtime(library: Path, processor: str) -> None:
    other = library.with_name("runtime")
    _install(other, _RUNTIME, "--only-binary=:all:", f"--platform=manylinux_2_17_{processor}")
    shutil.rmtree(library)
    (other / "nvidia" / "cu13" / "lib").rename(library)
    shutil.rmtree(other)


def _install(folder: Path, *arguments: str) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
    subprocess.run([*pip, *arguments], check=True, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
