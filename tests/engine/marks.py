"""What tests need of the machine."""

from __future__ import annotations

import platform

import pytest

needs_tensorrt_rtx = pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="TensorRT-RTX comes with the tests on Linux x86-64 alone",
)
