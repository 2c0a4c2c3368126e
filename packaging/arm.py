"""Installs the wheel for aarch64 under an emulator, and runs there what an ARM processor can be tried with.

    nox -s arm      # needs Debian 12, with qemu-user-static and g++-aarch64-linux-gnu

It runs the tests of preprocessing and masks, and `aernet-trt segment` and `doctor`, and compares the masks of
examples/ with those of this processor.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
from checks import check_wheel
from comparison import compare
from debian import emulated, unpack_python
from one_wheel import ROOT, WORK, build_wheel

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = "3.11"
_RUNTIME = "onnxruntime==1.22.1"  # 1.32 crashes under this emulator
_TESTING = ("hypothesis", "onnx", "pybind11", "pytest", "scipy")
_TESTS = ("tests/test_preprocess.py", "tests/test_mask.py")


def main() -> None:
    """Build, install, test and compare; stop at what fails."""
    python = unpack_python(WORK / "arm" / "debian")
    wheel = build_wheel(_VERSION, "aarch64")
    _say(f"{wheel.name}: {check_wheel(wheel)}")
    site = WORK / "arm" / "site"
    _install(site, wheel)
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
    segmented = WORK / "arm" / "segmented"
    shutil.rmtree(segmented, ignore_errors=True)
    run(script, "segment", "examples", "-o", segmented)
    here, there = WORK / "arm" / "x86_64.npz", WORK / "arm" / "aarch64.npz"
    subprocess.run([sys.executable, "packaging/masks.py", "examples", here], cwd=ROOT, check=True)
    run("packaging/masks.py", "examples", there)
    with np.load(here) as expected, np.load(there) as found:
        _say(f"masks on aarch64 and on this processor: {compare(expected, found)}")


def _install(site: Path, wheel: Path) -> None:
    """Install a wheel, what it needs and what its tests need for aarch64 into an empty folder."""
    shutil.rmtree(site, ignore_errors=True)
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in range(17, 36)]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--target", site),
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={_VERSION}", *platforms),
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
