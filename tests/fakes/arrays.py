"""Memory of the fake GPU as other libraries have it."""

from __future__ import annotations

import numpy as np


class CudaArray:
    """By the CUDA array interface, as in PyCUDA."""

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
    """By DLPack, which asks for the stream to make wait."""

    def __init__(self, array, index=0):
        self.array, self.index, self.streams = array, index, []

    def __dlpack_device__(self):
        return (2, self.index)

    def __dlpack__(self, *, stream):
        self.streams.append(stream)
        is_on_host = isinstance(self.array, np.ndarray)  # as far as NumPy knows, which has no streams
        return self.array.__dlpack__() if is_on_host else self.array.__dlpack__(stream=stream)
