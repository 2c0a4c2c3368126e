"""The GPU as an engine sees it, asked of the driver alone."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR


@dataclass(frozen=True)
class Gpu:
    """A CUDA device."""

    name: str
    """As the driver calls it, such as "NVIDIA GeForce RTX 4090"."""
    compute_capability: str
    """Such as "8.9"."""


def find_gpu() -> Gpu | None:
    """Ask the CUDA driver for the device in use, or else its first; None where there is none, or no driver.

    No context is made, and CUDA_VISIBLE_DEVICES counts as ever.
    """
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(), ctypes.c_int()
    if (
        driver.cuInit(0)
        or (driver.cuCtxGetDevice(ctypes.byref(device)) and driver.cuDeviceGet(ctypes.byref(device), 0))
        or driver.cuDeviceGetName(name, len(name), device)
        or driver.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
        or driver.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
    ):
        return None
    return Gpu(name.value.decode(), f"{major.value}.{minor.value}")
