"""The GPU as an engine sees it, asked of the driver alone."""

from __future__ import annotations

import ctypes
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, _COMPUTE_CAPABILITY_MAJOR and _COMPUTE_CAPABILITY_MINOR
_MULTIPROCESSORS, _MAJOR, _MINOR = 16, 75, 76
_BOARD_FILES = (Path("/proc/device-tree/model"), Path("/sys/firmware/devicetree/base/model"))


@dataclass(frozen=True)
class Gpu:
    """A CUDA device."""

    name: str
    """As the driver calls it, such as "NVIDIA GeForce RTX 4090"."""
    compute_capability: str
    """Such as "8.9"."""
    multiprocessors: int
    """How many it has; all Jetson Orin share a name and a compute capability, and differ in these."""
    board: str | None = None
    """The model of the board that it is soldered to, as `board_model` gives it."""
    index: int = field(default=0, compare=False)
    """Its number on this machine."""

    def __str__(self) -> str:
        board = f" ({self.board})" if self.board else ""
        return f"{self.name} with {self.multiprocessors} multiprocessors{board}"


def gpu_index(device: str) -> int | None:
    """Return the number of the GPU that a user names: 0 for "cuda", 1 for "cuda:1"; None for all else."""
    named = re.fullmatch(r"cuda(?::(\d+))?", device)
    return int(named[1] or 0) if named else None


def board_model() -> str | None:
    """Return a board's model, such as "NVIDIA Jetson Orin Nano Developer Kit"; a PC tells none."""
    for path in _BOARD_FILES:
        with suppress(OSError):
            return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    return None


def find_gpu(index: int | None = None) -> Gpu | None:
    """Ask the CUDA driver for a device by its number; None where there is none, or no driver.

    Without a number it is the device in use, or else the first.

    No context is made, and CUDA_VISIBLE_DEVICES counts as ever.
    """
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    major, minor, multiprocessors = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    if (
        driver.cuInit(0)
        or (
            (index is not None or driver.cuCtxGetDevice(ctypes.byref(device)))
            and driver.cuDeviceGet(ctypes.byref(device), index or 0)
        )
        or driver.cuDeviceGetName(name, len(name), device)
        or driver.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
        or driver.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
        or driver.cuDeviceGetAttribute(ctypes.byref(multiprocessors), _MULTIPROCESSORS, device)
    ):
        return None
    capability = f"{major.value}.{minor.value}"
    return Gpu(name.value.decode(), capability, multiprocessors.value, board_model(), device.value)
