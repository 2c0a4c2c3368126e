"""Compiles the device half of the extension over the fake CUDA runtime."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = "fake_native"
SOURCES = (
    "tests/fakes/*.cpp",
    "cpp/core/*.cpp",
    "cpp/cpu/threads.cpp",
    "cpp/cuda/*.cpp",
    "cpp/python/arrays.cpp",
    "cpp/python/errors.cpp",
    "cpp/python/device*.cpp",
)
FLAGS = (
    "-O1 -std=c++17 -fPIC -fvisibility=hidden"
    " -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror"
)


def cxx_compiler():
    """Return where the C++ compiler is, or None."""
    return shutil.which(os.environ.get("CXX", "c++"))


def cuda_headers():
    """Return where the toolkit keeps them, or None."""
    nvcc = shutil.which("nvcc")
    folders = [Path(nvcc).resolve().parents[1]] if nvcc else []
    folders += [Path("/usr/local/cuda")]
    return next((path / "include" for path in folders if (path / "include" / "cuda.h").is_file()), None)


def build_native(folder, compiler, headers):
    """Compile the module `fake_native` in a folder, and import it."""
    import pybind11

    includes = [f"-I{ROOT / 'cpp'}", f"-I{ROOT / 'tests'}"]
    for system in (headers, pybind11.get_include(), sysconfig.get_path("include")):
        includes += ["-isystem", str(system)]

    def compiled(source):
        target = folder / f"{source.parent.name}_{source.stem}.o"
        run(
            [compiler, *FLAGS.split(), "-fvisibility=hidden", *includes, "-c", str(source), "-o", str(target)]
        )
        return str(target)

    sources = [source for pattern in SOURCES for source in sorted(ROOT.glob(pattern))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, sources))
    file = folder / f"{NAME}{sysconfig.get_config_var('EXT_SUFFIX')}"
    run([compiler, "-shared", "-pthread", *objects, "-o", str(file)])
    specification = importlib.util.spec_from_file_location(NAME, file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
