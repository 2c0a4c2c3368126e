"""GPUs as `doctor` and `benchmark` name them."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aernet._native import Device


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
    mode = re.search(r"Power Mode: (\S+)", _output("nvpmodel", "-q"))
    return f"{model}, {system}, power mode {mode[1] if mode else 'unknown'}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _output(program: str, *arguments: str) -> str:
    """Return what a program prints; nothing where it is absent or fails."""
    try:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
