"""Builds one wheel, with CUDA in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import tomli
from interpreters import find_interpreter, new_environment
from toolkit import nvcc_for

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "wheels"
DIST = ROOT / "dist"


def build_wheel(version: str, processor: str) -> Path:
    """Build the wheel of a CPython such as "3.10" for "x86_64" or "aarch64"; return where it lies in dist/.

    Raises:
        SystemExit: an interpreter or a compiler is missing.
    """
    builder = WORK / f"builder-{version}" / "bin" / "python"
    if not builder.exists():
        builder = new_environment(find_interpreter(version), builder.parents[1])
        required = tomli.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
        _run(builder, "-m", "pip", "install", "--quiet", *required)
    options = {
        "AERNET_CUDA": "ON",
        "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
        "CMAKE_CUDA_COMPILER_LAUNCHER": "ccache",
        "CMAKE_UNITY_BUILD": "ON",
        "CMAKE_UNITY_BUILD_BATCH_SIZE": "0",
    }
    if processor == "aarch64":
        if shutil.which("aarch64-linux-gnu-g++") is None:
            raise SystemExit("No compiler for aarch64; install it: apt-get install g++-aarch64-linux-gnu")
        options |= {
            "CMAKE_TOOLCHAIN_FILE": str(ROOT / "packaging" / "aarch64.cmake"),
            "PYTHON_MODULE_EXTENSION": f".cpython-{version.replace('.', '')}-aarch64-linux-gnu.so",
        }
    settings = [part for name, value in options.items() for part in ("-C", f"cmake.define.{name}={value}")]
    built = WORK / f"{version}-{processor}"
    shutil.rmtree(built, ignore_errors=True)
    _run(
        *(builder, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", built, *settings, ROOT),
        CCACHE_DIR=str(WORK / "ccache"),
        CUDACXX=str(nvcc_for(processor, WORK / "cuda")),
        _PYTHON_HOST_PLATFORM=f"linux-{processor}",  # for which the wheel's name says it is
    )
    return _as_manylinux(next(built.glob("*.whl")))


def _as_manylinux(wheel: Path) -> Path:
    """Let auditwheel name the wheel after the oldest C library that it runs with."""
    named = wheel.with_name("named")
    _run(sys.executable, "-m", "auditwheel", "repair", "--plat", "auto", "--wheel-dir", named, wheel)
    DIST.mkdir(exist_ok=True)
    result = next(named.glob("*.whl"))
    return result.replace(DIST / result.name)


def _run(*command: str | Path, **environment: str) -> None:
    subprocess.run(command, check=True, env=os.environ | environment)
