"""An engine that needs no TensorRT: it copies one plane of its input to its output, by the CUDA driver."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np

SIZE = 256
VERSION = "1.7.1.116"


class Driver:
    """The CUDA driver's functions that tests need."""

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

    def synchronize(self):
        self.call("cuCtxSynchronize")

    def used_memory(self):
        """Bytes of the GPU's memory that are taken, by anybody."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return total.value - free.value


class CopyingRuntime:
    """Takes the place of a TensorRT flavour; notes how often Python queued a run."""

    name, version = "tensorrt-rtx", VERSION

    def __init__(self, driver, plane):
        self.driver, self.plane = driver, plane
        self.dtype = np.dtype(np.float32)
        self.queued = 0

    def load(self, plan):
        assert plan
        return SimpleNamespace(
            inputs={"image": ((-1, 3, SIZE, SIZE), self.dtype)},
            outputs={"probability": ((-1, 1, SIZE, SIZE), self.dtype)},
            context=lambda: _Context(self),
        )


class _Context:
    device_memory_bytes = 256

    def __init__(self, runtime):
        self._runtime, self._addresses, self._count = runtime, {}, 0

    def bind_memory(self, pointer):
        assert pointer % 256 == 0

    def bind(self, tensor, pointer):
        self._addresses[tensor] = pointer

    def set_batch(self, count):
        self._count = count

    def is_capturable(self, stream):
        return stream != 0

    def enqueue(self, stream):
        runtime = self._runtime
        runtime.queued += 1
        plane = SIZE * SIZE * runtime.dtype.itemsize
        image, probability = self._addresses["image"], self._addresses["probability"]
        for index in range(self._count):
            source = image + (3 * index + runtime.plane) * plane
            runtime.driver.copy(probability + index * plane, source, plane, stream)
