"""What ONNX Runtime runs a network on: the CPU, or what another of its execution providers brings."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_CORES = os.cpu_count() or 1
_BATCH_ON_GPU = 8  # frames; on the CPU a batch takes as long as its frames one by one (benchmarks/serve.py)


@dataclass(frozen=True)
class Provider:
    """An execution provider, and how it is asked for."""

    device: str
    """The device, as a user names it: "cpu", "cuda:0", "openvino"."""
    name: str
    """As ONNX Runtime calls it."""
    library: str = ""
    """The library that it brings; empty where the device says enough."""
    options: Callable[[int], dict[str, Any]] = field(default=lambda _threads: {})
    """Its options, by the number of threads that one run takes."""
    wants: str = ""
    """What it needs beside its package."""
    on_processor: bool = False
    """Whether it runs on the processor, whose threads frames share."""
    runs_side_by_side: bool = True
    """Whether several threads may run a session at once."""

    @property
    def useful_batch(self) -> int:
        """The frames of one run beyond which more do not bring more of them a second."""
        return 1 if self.on_processor else _BATCH_ON_GPU


def cuda(index: int) -> Provider:
    """Return the provider of an NVIDIA GPU by its number."""
    options = {"device_id": index, "cudnn_conv_algo_search": "HEURISTIC"}
    return Provider(f"cuda:{index}", "CUDAExecutionProvider", options=lambda _threads: options)


def openvino(precision: str) -> Provider:
    """Return OpenVINO on the processor, in OpenVINO's name of a precision: "f32" or "bf16"."""

    def options(threads: int) -> dict[str, Any]:
        # A run takes one stream, and as many runs go side by side as there are streams.
        streams = max(1, _CORES // threads)
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": str(streams * threads),
            "NUM_STREAMS": str(streams),
        }
        return {"device_type": "CPU", "load_config": json.dumps({"CPU": settings})}

    return Provider("openvino", "OpenVINOExecutionProvider", "OpenVINO", options, on_processor=True)


CPU = Provider("cpu", "CPUExecutionProvider", on_processor=True)
OTHERS = {
    provider.device: provider
    for provider in (
        openvino("f32"),  # bfloat16 changes the masks (benchmarks/providers.py)
        Provider(
            "openvino:gpu",
            "OpenVINOExecutionProvider",
            "OpenVINO",
            lambda _threads: {"device_type": "GPU"},
            wants="an Intel GPU and its driver",
        ),
        Provider(
            "coreml", "CoreMLExecutionProvider", "CoreML", lambda _threads: {"ModelFormat": "MLProgram"}
        ),
        Provider(
            "directml",
            "DmlExecutionProvider",
            "DirectML",
            wants="a GPU with a driver for DirectX 12",
            runs_side_by_side=False,
        ),
    )
}
"""The providers of other devices than the CPU and NVIDIA's GPUs, by the name of the device."""
