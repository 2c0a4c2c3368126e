"""nvcc's PTX of the kernels, compiled for the host into a library for `fakes.kernels.Kernels`."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.kernels import Kernels
from fakes.ptx.translation import translated

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[3]
NVCC = shutil.which(os.environ.get("CUDACXX", "nvcc"))
NVCC_FLAGS = ("-ptx", "-std=c++17", "-O3", "-prec-div=false", f"-I{ROOT / 'cpp'}")
CXX_FLAGS = ("-O1", "-std=c++17", "-shared", "-fPIC", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")


class ThreadOrder(IntEnum):
    """The order in which the threads of a block run between two barriers."""

    FORWARD = 0
    REVERSE = 1
    RANDOM = 2


class FaultError(Exception):
    """A kernel has done what it must not do."""


def ptx_of_kernels(architecture: int, folder: Path) -> list[str]:
    """Return the PTX of every kernel, by nvcc, for a compute capability (87 for 8.7)."""
    assert NVCC is not None
    modules = []
    for source in sorted((ROOT / "cpp").rglob("*.cu")):
        output = folder / f"{source.stem}.ptx"
        _run(NVCC, *NVCC_FLAGS, f"-arch=compute_{architecture}", str(source), "-o", str(output))
        modules.append(output.read_text())
    return modules


def compiled(modules: Iterable[str], folder: Path, *flags: str) -> Path:
    """Compile PTX for the host; the flag `-DPTX_COUNT` makes it count."""
    here = Path(__file__).parent
    source, library = folder / "translated.cpp", folder / "ptx.so"
    source.write_text(translated(modules))
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    assert compiler is not None
    files = (source, here / "machine.cpp", here / "kernels.cpp")
    includes = (f"-I{here}", f"-I{ROOT / 'cpp'}")
    _run(compiler, *CXX_FLAGS, *flags, *includes, *map(str, files), "-o", str(library))
    return library


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]


class PtxKernels(Kernels):
    """The kernels as nvcc compiles them; each call raises `FaultError` where one goes wrong."""

    def __init__(self, library: Path, order: ThreadOrder = ThreadOrder.FORWARD) -> None:
        super().__init__(library)
        self._library.last_fault.restype = ctypes.c_char_p
        self._library.set_thread_order(order)
        for name in ("preprocess", "mask", "overlay"):
            getattr(self._library, name).errcheck = self._checked

    def _checked(self, result: Any, *_: Any) -> Any:
        if fault := self._library.last_fault():
            raise FaultError(fault.decode())
        return result

    def counts(self) -> tuple[int, int]:
        """Return warp instructions and sectors of device memory since the library was loaded."""
        numbers = (ctypes.c_uint64(), ctypes.c_uint64())
        self._library.counts(*map(ctypes.byref, numbers))
        return numbers[0].value, numbers[1].value
