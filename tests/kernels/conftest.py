from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from fakes.kernels import Kernels

ROOT = Path(__file__).parents[2]
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
def kernels(compiled):
    """The kernels on the host; undefined behaviour ends the process."""
    return Kernels(compiled("undefined"))
