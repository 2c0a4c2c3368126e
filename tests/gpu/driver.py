"""The functions of a real CUDA driver that tests need."""

from __future__ import annotations

import ctypes
import os

import pytest

import aernet.engine.adapter
import aernet.engine.gpu
from aernet import AernetError, _native
from aernet.engine.rtx_support import unsupported_because


class Driver:
    def __init__(self):
        self._library = ctypes.CDLL("libcuda.so.1")

    def call(self, name, *arguments):
        status = getattr(self._library, name)(*arguments)
        assert status == 0, f"{name}: error {status}"

    def copy(self, target, source, count, stream):
        self.call(
            "cuMemcpyDtoDAsync_v2",
            ctypes.c_uint64(target),
            ctypes.c_uint64(source),
            ctypes.c_size_t(count),
            ctypes.c_void_p(stream),
        )

    def current_context(self):
        context = ctypes.c_void_p()
        self.call("cuCtxGetCurrent", ctypes.byref(context))
        return context.value

    def need_context(self):
        assert self.current_context()

    def synchronize(self):
        self.call("cuCtxSynchronize")

    def used_memory(self):
        """Bytes of the GPU's memory that are taken, by anybody."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return total.value - free.value


def require_driver():
    """Return the driver; without a GPU the test is skipped, or with AERNET_REQUIRE_GPU=1 fails."""
    count, reason = 0, "this aernet was built without CUDA"
    if _native.cuda_version is not None:
        try:
            count = _native.device_count()
        except AernetError as error:
            reason = str(error)
    if count == 0 and os.environ.get("AERNET_REQUIRE_GPU") == "1":
        pytest.fail(reason)
    if count == 0:
        pytest.skip(reason)
    return Driver()


def require_tensorrt():
    """Without a TensorRT that builds and runs engines on the first GPU the test is skipped."""
    runtimes = aernet.engine.adapter.installed_runtimes()
    if not runtimes:
        pytest.skip("no TensorRT")
    if "tensorrt" not in runtimes and (reason := unsupported_because(aernet.engine.gpu.find_gpu())):
        pytest.skip(reason)
