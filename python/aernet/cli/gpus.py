"""GPUs as `doctor` and `benchmark` name them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aernet._native import Device

_SYSTEM = Path("/usr/lib")  # below it are the Python packages of Debian, and so of a JetPack


def described(gpu: Device) -> str:
    """Return a GPU's name, compute capability and memory."""
    major, minor = gpu.compute_capability
    memory = f"{gpu.memory_bytes / 2**30:.1f} GiB" + (
        " shared with the processor" if gpu.is_integrated else ""
    )
    return f"{gpu.name}, compute capability {major}.{minor}, {memory}"


def clocks(gpu: Device) -> str:
    """Return a GPU's clocks now, or where nobody tells them, the highest that it has."""
    import pynvml

    with suppress(pynvml.NVMLError):  # there is no NVML, or as on a Jetson it tells no clocks
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByPciBusId(gpu.pci_bus_id)
        now = pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)
        memory = pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM)
        most = pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM)
        return f"{now} MHz of at most {most} MHz, memory {memory} MHz"
    highest = f"{gpu.clock_khz // 1000} MHz"
    # Jetsons tell it here; a board has one GPU.
    for file in Path("/sys/class/devfreq").glob("*gpu*/cur_freq"):
        return f"{int(file.read_text()) // 10**6} MHz of at most {highest}"
    return f"at most {highest}"


def jetson() -> str | None:
    """Return a Jetson's model, system and power mode; None on any other machine."""
    model = _text("/proc/device-tree/model").rstrip("\0")
    if "Jetson" not in model:
        return None
    release = re.search(r"R(\d+).*?REVISION: ([\d.]+)", _text("/etc/nv_tegra_release"))
    system = f"L4T {release[1]}.{release[2]}" if release else "L4T unknown"
    mode = re.search(r"Power Mode: (\S+)", output("nvpmodel", "-q"))
    return f"{model}, {system}, power mode {mode[1] if mode else 'unknown'}"


def find_nvcc() -> str | None:
    """Return the compiler that a build of aernet would find, as CMakeLists.txt looks for it."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    first, second, last = (str(Path(home, "bin")) if home else "" for home in homes)
    path = os.pathsep.join(filter(None, (first, second, os.environ.get("PATH"), last)))
    return shutil.which(os.environ.get("CUDACXX") or "nvcc", path=path)


def unseen_tensorrt() -> Path | None:
    """Return the system's TensorRT where this Python is a virtual environment; None if there is none."""
    if sys.prefix == sys.base_prefix:
        return None
    return next(iter(sorted(_SYSTEM.glob("python3*/dist-packages/tensorrt"))), None)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def output(program: str, *arguments: str) -> str:
    """Return what a program prints; nothing where it is absent or fails."""
    try:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
