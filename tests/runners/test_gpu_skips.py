"""On which machines the tests that need a GPU are skipped, and what they say then."""

from __future__ import annotations

import re

import pytest
from gpu.driver import require_tensorrt

import aernet.engine.adapter
import aernet.engine.gpu
from aernet.engine.gpu import Gpu

H100, RTX = Gpu("NVIDIA H100", "9.0", 132), Gpu("a card", "8.9", 128)


@pytest.mark.parametrize(
    ("gpu", "runtimes", "reason"),
    [
        (RTX, (), "no TensorRT"),
        (H100, ("tensorrt-rtx",), "TensorRT-RTX does not run on NVIDIA H100"),
        (H100, ("tensorrt-rtx", "tensorrt"), None),
        (RTX, ("tensorrt-rtx",), None),
    ],
)
def test_an_engine_needs_a_runtime_that_runs_here(monkeypatch, gpu, runtimes, reason):
    monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: gpu)
    monkeypatch.setattr(aernet.engine.adapter, "installed_runtimes", lambda: dict.fromkeys(runtimes, "1.7"))
    if reason is None:
        require_tensorrt()
        return
    with pytest.raises(pytest.skip.Exception, match=re.escape(reason)):
        require_tensorrt()
