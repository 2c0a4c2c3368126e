"""What to install on this machine; not every package is there for every platform."""

from __future__ import annotations

import platform
import sys

_SEEN_IN = "'python3 -m venv --system-site-packages' makes an environment that sees it"


def _is_arm() -> bool:
    return platform.machine().lower() in {"aarch64", "arm64"}


def onnxruntime_gpu(*extras: str) -> str:
    """Return how to get ONNX Runtime for the GPU; PyPI has none for ARM with Python 3.10, as of JetPack 6."""
    if _is_arm() and sys.version_info < (3, 11):
        return (
            "onnxruntime-gpu has no package for ARM and Python 3.10;"
            " 'aernet-trt build-engine' makes an engine, which does without"
        )
    wanted = f"'onnxruntime-gpu[{','.join(extras)}]'" if extras else "onnxruntime-gpu"
    return f"pip install {wanted}"


def tensorrt(name: str | None = None) -> str:
    """Return how to get a TensorRT flavour, "tensorrt-rtx" or "tensorrt"; without a name, any."""
    if _is_arm():
        absent = "tensorrt-rtx has no package for ARM; " if name == "tensorrt-rtx" else ""
        return f"{absent}JetPack has TensorRT, and {_SEEN_IN}"
    if name is None:
        return "pip install 'aernet[tensorrt-rtx]' (GeForce, RTX) or 'aernet[tensorrt]'"
    return f"pip install 'aernet[{name}]'"
