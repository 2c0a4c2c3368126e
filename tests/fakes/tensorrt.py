"""What stands for TensorRT over a CUDA that runs on the host: an engine whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

SIZE = 64
VERSION = "1.7.1.116"


class Runtime:
    """A TensorRT flavour whose engines compute sigmoid(20 (0.6 - L / 100)); it notes what it is asked for."""

    name, version = "tensorrt-rtx", VERSION

    def __init__(self, native, dtype=np.float32):
        self.native, self.dtype = native, np.dtype(dtype)
        self.answer = None
        """Takes the place of the computed probabilities."""
        self.size = SIZE
        self.is_capturable = True
        self.enqueued = []
        """The number of frames of each run that was queued from Python."""
        self.contexts = 0

    def load(self, plan):
        assert plan
        self.native.need_context()
        sides = self.size, self.size
        return SimpleNamespace(
            inputs={"image": ((-1, 3, *sides), self.dtype)},
            outputs={"probability": ((-1, 1, *sides), self.dtype)},
            context=lambda: Context(self),
        )


class Context:
    device_memory_bytes = 4096

    def __init__(self, runtime):
        runtime.native.need_context()
        runtime.contexts += 1
        self._runtime, self._addresses, self._count = runtime, {}, None

    def bind_memory(self, pointer):
        assert pointer % 256 == 0
        self._addresses["memory"] = pointer

    def bind(self, tensor, pointer):
        self._addresses[tensor] = pointer

    def set_batch(self, count):
        self._count = count

    def is_capturable(self, stream):
        assert stream
        return self._runtime.is_capturable

    def enqueue(self, stream):
        runtime = self._runtime
        runtime.native.need_context()
        runtime.enqueued.append(self._count)
        assert set(self._addresses) == {"memory", "image", "probability"}
        addresses = self._addresses["image"], self._addresses["probability"]
        runtime.native.network(
            stream, *addresses, self._count, SIZE, is_half=runtime.dtype == np.float16, answer=runtime.answer
        )


class CudaArray:
    """Memory of the pretended GPU by the CUDA array interface, as PyCUDA has it."""

    def __init__(self, array, **interface):
        self.array = array
        self.__cuda_array_interface__ = {
            "shape": array.shape,
            "strides": array.strides,
            "typestr": array.dtype.str,
            "data": (array.ctypes.data, False),
            "stream": None,
            "version": 3,
        } | interface


class DlpackArray:
    """The same by DLPack, which asks for the stream to make wait."""

    def __init__(self, array, index=0):
        self.array, self.index, self.streams = array, index, []

    def __dlpack_device__(self):
        return (2, self.index)

    def __dlpack__(self, *, stream):
        self.streams.append(stream)
        return self.array.__dlpack__()
