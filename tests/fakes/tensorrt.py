"""What stands for TensorRT, over the fake CUDA runtime or a real GPU: an engine whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

SIZE = 64
VERSION = "1.7.1.116"


class FakeTensorRt:
    """A TensorRT flavour that notes what it is asked for; `network` queues a run of its engines."""

    name, version = "tensorrt-rtx", VERSION

    def __init__(self, network, dtype=np.float32, size=SIZE):
        self.network, self.dtype, self.size = network, np.dtype(dtype), size
        self.is_capturable = True
        self.enqueued = []
        """The number of frames of each run that was queued from Python."""
        self.contexts = 0

    def load(self, plan):
        assert plan
        self.network.need_context()
        sides = self.size, self.size
        return SimpleNamespace(
            inputs={"image": ((-1, 3, *sides), self.dtype)},
            outputs={"probability": ((-1, 1, *sides), self.dtype)},
            context=lambda: _Context(self),
        )


class _Context:
    device_memory_bytes = 4096

    def __init__(self, runtime):
        runtime.network.need_context()
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
        runtime.network.need_context()
        runtime.enqueued.append(self._count)
        assert set(self._addresses) == {"memory", "image", "probability"}
        image, probability = self._addresses["image"], self._addresses["probability"]
        runtime.network.queue(stream, image, probability, self._count, runtime)


class DarkNetwork:
    """On the fake CUDA runtime: sigmoid(20 (0.6 - L / 100)), or always `answer`."""

    def __init__(self, native):
        self.native, self.need_context = native, native.need_context
        self.answer = None

    def queue(self, stream, image, probability, count, runtime):
        self.native.network(
            stream, image, probability, count, SIZE, is_half=runtime.dtype == np.float16, answer=self.answer
        )


class PlaneNetwork:
    """Copies one plane of its input to its output, by a function that queues a copy on a stream."""

    def __init__(self, copy, plane, need_context):
        self.copy, self.plane, self.need_context = copy, plane, need_context

    def queue(self, stream, image, probability, count, runtime):
        plane = runtime.size**2 * runtime.dtype.itemsize
        for index in range(count):
            source = image + (3 * index + self.plane) * plane
            self.copy(probability + index * plane, source, plane, stream)
