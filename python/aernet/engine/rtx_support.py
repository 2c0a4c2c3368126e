"""The GPUs on which TensorRT-RTX runs, as NVIDIA's support matrix lists them for versions 1.0 to 1.7.

The runtime itself also has a name for compute capability 8.0 (A100), which the matrix does not list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aernet.engine.gpu import Gpu

TURING = "7.5"
SUPPORTED = {TURING: "Turing", "8.6": "Ampere", "8.9": "Ada", "12.0": "Blackwell", "12.1": "Blackwell"}
MATRIX = "NVIDIA's support matrix of TensorRT-RTX lists " + ", ".join(
    f"{capability} ({architecture})" for capability, architecture in SUPPORTED.items()
)


def unsupported_because(gpu: Gpu) -> str | None:
    """Say why TensorRT-RTX does not run on a GPU, or return None where it does."""
    if gpu.compute_capability in SUPPORTED:
        return None
    return f"TensorRT-RTX does not run on {gpu.name}, compute capability {gpu.compute_capability}: {MATRIX}"
