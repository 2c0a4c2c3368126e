"""Compiles the device half of the extension over the fake CUDA runtime."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
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
    return imported(NAME, file)


def configure(folder, *options, **environment):
    """Let CMake configure a build of the package in a folder; the answer is that of the process."""
    import pybind11

    ninja = shutil.which("ninja")
    return subprocess.run(
        [
            shutil.which("cmake"),
            *("-S", ROOT, "-B", folder, "-G", "Ninja" if ninja else "Unix Makefiles"),
            *([f"-DCMAKE_MAKE_PROGRAM={ninja}"] if ninja else []),
            "-DSKBUILD_PROJECT_VERSION=0.1.0",
            f"-DCMAKE_CXX_COMPILER={cxx_compiler()}",
            f"-DPython_EXECUTABLE={sys.executable}",
            f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
            *options,
        ],
        env={"CUDAARCHS": "75-real"} | (environment or os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def imported(name, file):
    """Import an extension from its file."""
    specification = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
