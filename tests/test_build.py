"""Where the build looks for CUDA; only the configuring of a build is run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import fakes.build
import pytest
from fakes.build import cuda_headers, cxx_compiler

USUAL = (Path("/usr/local/bin"), Path("/usr/local/cuda/bin"))  # CMake looks there whatever PATH says


@pytest.fixture
def configure(tmp_path):
    """Configure a build on a machine whose nvcc is nowhere but where the environment says."""
    if shutil.which("cmake") is None or cxx_compiler() is None:
        pytest.skip("no CMake, or no C++ compiler")
    pytest.importorskip("pybind11")
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    with_nvcc = {folder for folder in [*folders, *USUAL] if (folder / "nvcc").exists()}
    path = os.pathsep.join(str(folder) for folder in folders if folder not in with_nvcc)
    ignored = ";".join(map(str, with_nvcc))

    def configure(cuda="AUTO", *options, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CUDA")}
        done = fakes.build.configure(
            tmp_path / "build",
            f"-DAERNET_CUDA={cuda}",
            f"-DCMAKE_IGNORE_PATH={ignored}",
            *options,
            **kept | {"PATH": path} | environment,
        )
        commands = tmp_path / "build" / "compile_commands.json"
        compiled = json.loads(commands.read_text()) if commands.exists() else []
        return done, [entry for entry in compiled if "-DAERNET_CUDA" in entry["command"]]

    return configure


@pytest.fixture(scope="session")
def toolkit():
    """The folder of a CUDA toolkit with nvcc."""
    headers = cuda_headers()
    if headers is None or not (headers.parent / "bin" / "nvcc").is_file():
        pytest.skip("no CUDA toolkit")
    return headers.parent.resolve()


@pytest.mark.parametrize("variable", ["CUDA_HOME", "CUDA_PATH", "CUDACXX"])
def test_a_toolkit_that_is_not_in_path(configure, toolkit, tmp_path, variable):
    (tmp_path / "toolkit").symlink_to(toolkit)
    place = tmp_path / "toolkit" / ("bin/nvcc" if variable == "CUDACXX" else "")
    done, with_cuda = configure(**{variable: str(place)})
    assert done.returncode == 0, done.stderr
    assert "CMake Warning" not in done.stderr
    kernels = {
        Path(entry["file"]).name: entry["command"] for entry in with_cuda if entry["file"].endswith(".cu")
    }
    assert str(tmp_path / "toolkit" / "bin" / "nvcc") in kernels["preprocess.cu"]


def test_no_toolkit_at_all(configure):
    done, with_cuda = configure()
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "CMake Warning" in said
    assert "looked for nvcc in CUDACXX, CUDA_HOME, CUDA_PATH, PATH and /usr/local/cuda" in said
    assert "CUDACXX=/usr/local/cuda/bin/nvcc pip install ." in said
    assert with_cuda == []


def test_a_compiler_that_is_not_there(configure):
    done, _ = configure("ON", CUDACXX="/nowhere/nvcc")
    assert done.returncode != 0
    assert "AERNET_CUDA is ON" in done.stderr
    assert "/nowhere/nvcc" in done.stderr


def test_nothing_is_said_where_cuda_is_not_wanted(configure):
    done, with_cuda = configure("OFF")
    assert done.returncode == 0, done.stderr
    assert "CUDA" not in done.stderr
    assert with_cuda == []


def test_a_toolkit_that_is_too_old(configure, tmp_path):
    nvcc = tmp_path / "old" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text("#!/bin/sh\necho Cuda compilation tools, release 11.8, V11.8.89\n")
    nvcc.chmod(0o755)
    (tmp_path / "old" / "include").mkdir()
    (tmp_path / "old" / "include" / "cuda_runtime.h").touch()
    done, with_cuda = configure(CUDA_HOME=str(tmp_path / "old"))
    assert done.returncode == 0, done.stderr
    assert f"found {nvcc}, CUDA 11.8.89" in " ".join(done.stderr.split())
    assert with_cuda == []


def test_what_only_a_jetson_can_build_is_asked_for(configure, tmp_path):
    """And all that lacks is named at once."""
    done, _ = configure("OFF")
    assert done.returncode == 0, done.stderr
    assert "cpp/nvmm" not in (tmp_path / "build" / "compile_commands.json").read_text()
    done, _ = configure("OFF", "-DAERNET_NVMM=ON")
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "this machine lacks CUDAToolkit_FOUND, " in said
    assert "NVBUFSURFACE_INCLUDE_DIR, NVBUFSURFACE_LIBRARY, NVBUFSURFTRANSFORM_LIBRARY" in said
    assert (
        "libgstreamer-plugins-base1.0-dev, libegl-dev and JetPack's nvidia-l4t-jetson-multimedia-api" in said
    )
