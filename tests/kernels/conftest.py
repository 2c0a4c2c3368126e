from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from fakes import ptx
from fakes.kernels import Kernels

ROOT = Path(__file__).parents[2]
ORIN = 87
ARCHITECTURES = (75, ORIN, 110)
FLAGS = "-O2 -std=c++17 -shared -fPIC -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Compile the kernels' bodies with the C++ compiler and one of its sanitizers into a library."""

    def compiled(sanitizer):
        compiler = shutil.which(os.environ.get("CXX", "c++"))
        if compiler is None:
            pytest.skip("no C++ compiler")
        library = tmp_path_factory.mktemp("kernels") / f"{sanitizer}.so"
        checks = [f"-fsanitize={sanitizer}", f"-fno-sanitize-recover={sanitizer}"]
        files = [f"-I{ROOT / 'cpp'}", ROOT / "tests" / "fakes" / "kernels.cpp", "-o", library]
        done = subprocess.run(
            [compiler, *FLAGS.split(), *checks, *files], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return library

    return compiled


@pytest.fixture(scope="session")
def ptx_library(tmp_path_factory):
    """Compile nvcc's PTX for an architecture into a library, once."""
    if ptx.NVCC is None:
        pytest.skip("no nvcc, which makes the PTX of the kernels")

    @cache
    def ptx_library(architecture):
        folder = tmp_path_factory.mktemp(f"ptx{architecture}")
        return ptx.compiled(ptx.ptx_of_kernels(architecture, folder), folder)

    return ptx_library


def pytest_generate_tests(metafunc):
    if "kernels" in metafunc.fixturenames:
        ways = [None, (ORIN, ptx.ThreadOrder.RANDOM)]
        if metafunc.config.getoption("ptx") == "all":
            ways = [None, *product(ARCHITECTURES, ptx.ThreadOrder)]
        names = ["host" if way is None else f"compute_{way[0]}-{way[1].name.lower()}" for way in ways]
        metafunc.parametrize("kernels", ways, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def kernels(request):
    """The kernels' bodies on the host, where undefined behaviour ends the process; and nvcc's PTX of them."""
    if request.param is None:
        return Kernels(request.getfixturevalue("compiled")("undefined"))
    architecture, order = request.param
    return ptx.PtxKernels(request.getfixturevalue("ptx_library")(architecture), order)
