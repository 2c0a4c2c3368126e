"""Installs the wheel for aarch64 under an emulator, and runs there what an ARM processor can be tried with.

    nox -s arm                      # needs Debian, with qemu-user-static and g++-aarch64-linux-gnu
    nox -s arm -- --python 3.11     # one of the two versions of Python

It runs the tests of preprocessing and masks, and `aernet-trt segment` and `doctor`, and compares the masks of
examples/ with those of this processor.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
from checks import check_wheel
from comparison import compare
from debian import PYTHONS, emulated, unpack_python
from one_wheel import ROOT, WORK, build_wheel

if TYPE_CHECKING:
    from pathlib import Path

_RUNTIME = "onnxruntime==1.22.1"  # 1.32 crashes under this emulator
_TESTING = ("hypothesis", "onnx", "pybind11", "pytest", "scipy")
_TESTS = ("tests/test_preprocess.py", "tests/test_mask.py")


def main() -> None:
    """Try the wheels of the versions that the arguments choose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", choices=PYTHONS, help="all of them unless given")
    for version in parser.parse_args().python or PYTHONS:
        _try(version, WORK / "arm" / version)


def _try(version: str, work: Path) -> None:
    """Build, install, test and compare; stop at what fails."""
    python = unpack_python(version, work / "debian")
    wheel = build_wheel(version, "aarch64")
    _say(f"{wheel.name}: {check_wheel(wheel)}")
    site = work / "site"
    _install(site, wheel, version)
    command, environment = emulated(python, site)

    def run(*arguments: str | Path, output: bool = False) -> str:
        done = subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            text=True,
            stdout=subprocess.PIPE if output else None,
        )
        return done.stdout or ""

    script = site / "bin" / "aernet-trt"
    _check_doctor(json.loads(run(script, "doctor", "--json", output=True)))
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", *_TESTS)
    segmented = work / "segmented"
    shutil.rmtree(segmented, ignore_errors=True)
    run(script, "segment", "examples", "-o", segmented)
    here, there = work / "x86_64.npz", work / "aarch64.npz"
    subprocess.run([sys.executable, "packaging/masks.py", "examples", here], cwd=ROOT, check=True)
    run("packaging/masks.py", "examples", there)
    with np.load(here) as expected, np.load(there) as found:
        _say(f"masks on aarch64 and on this processor: {compare(expected, found)}")


def _install(site: Path, wheel: Path, version: str) -> None:
    """Install a wheel, what it needs and what its tests need for aarch64 into an empty folder."""
    shutil.rmtree(site, ignore_errors=True)
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in range(17, 36)]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--target", site),
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={version}", *platforms),
            *("--platform=manylinux2014_aarch64", wheel, _RUNTIME, *_TESTING),
        ],
        check=True,
    )


def _check_doctor(report: dict[str, list[dict[str, str]]]) -> None:
    """Tell what `doctor` says of the processor, CUDA and the missing driver; SystemExit if that is wrong."""
    found = {check["name"]: check["found"] for check in report["checks"]}
    expected = {"system": "aarch64", "extension": "built with CUDA 13", "gpu": "no driver"}
    for name, words in expected.items():
        _say(f"doctor, {name}: {found[name]}")
        if words not in found[name]:
            raise SystemExit(f"doctor under emulation, {name}: expected {words!r}, found {found[name]!r}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
