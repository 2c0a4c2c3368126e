from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = (
    "-O1 -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -shared -fPIC"
)
SOURCES = (
    "tests/runners/host_native.cpp",
    "tests/runners/host_cuda.cpp",
    "tests/kernels/host.cpp",
    "cpp/cuda/device.cpp",
    "cpp/cuda/memory.cpp",
    "cpp/cuda/lane.cpp",
    "cpp/cpu/preprocess.cpp",
    "cpp/core/image.cpp",
    "cpp/cpu/threads.cpp",
)


def cuda_headers():
    """Return where the toolkit keeps them, or None."""
    nvcc = shutil.which("nvcc")
    folders = [Path(nvcc).resolve().parents[1]] if nvcc else []
    folders += [Path("/usr/local/cuda")]
    return next((path / "include" for path in folders if (path / "include" / "cuda.h").is_file()), None)


@pytest.fixture(scope="session")
def host_native(tmp_path_factory):
    """The device half of the extension, compiled over a CUDA that runs on the host."""
    compiler, headers = shutil.which(os.environ.get("CXX", "c++")), cuda_headers()
    if compiler is None or headers is None:
        pytest.skip("no C++ compiler, or no headers of CUDA")
    pybind11 = pytest.importorskip("pybind11")

    file = tmp_path_factory.mktemp("native") / f"host_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    command = [compiler, *FLAGS.split(), "-fvisibility=hidden", "-pthread"]
    command += [f"-I{ROOT / 'cpp'}", f"-I{ROOT / 'tests' / 'runners'}"]
    for folder in (headers, pybind11.get_include(), sysconfig.get_path("include")):
        command += ["-isystem", str(folder)]
    command += [*(str(ROOT / source) for source in SOURCES), "-o", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    specification = importlib.util.spec_from_file_location("host_native", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
