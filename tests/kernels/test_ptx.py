"""The checks of the machine that runs the PTX: a kernel with a fault put into it is found out."""

from __future__ import annotations

import re

import numpy as np
import pytest
from fakes import ptx
from fakes.kernels import Frames, PixelFormat

ORIN = 87


KERNEL = re.compile(r"\.entry \w+preprocess_kernelINS_17InterleavedColumnILi3EEEf\w+\(.*?\n\}", re.DOTALL)
BARRIER = re.compile(r"bar\.sync\s+0;")
WRITE = re.compile(r"(st\.global\.f32\s+\[%rd\d+)\]")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """PTX of the kernel that preprocesses BGR into float32."""
    if ptx.NVCC is None:
        pytest.skip("no nvcc, which makes the PTX of the kernels")
    modules = ptx.ptx_of_kernels(ORIN, tmp_path_factory.mktemp("ptx"))
    return KERNEL.search("".join(modules))[0]


def preprocessed(kernel, folder, order=ptx.ThreadOrder.FORWARD):
    """Preprocess a frame of noise by PTX."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, 70, 90, 3), np.uint8)
    kernels = ptx.PtxKernels(ptx.compiled([kernel], folder, "-O0"), order)
    return kernels.preprocess(Frames(PixelFormat.BGR, pixels), 33)


@pytest.mark.parametrize("order", ptx.ThreadOrder)
def test_a_missing_barrier_is_a_race(kernel, tmp_path, order):
    before_sums = list(BARRIER.finditer(kernel))[1]
    broken = kernel[: before_sums.start()] + kernel[before_sums.end() :]
    with pytest.raises(ptx.FaultError, match=r"^(race|read before any write)"):
        preprocessed(broken, tmp_path, order)


@pytest.mark.parametrize(("offset", "fault"), [(400000, "out of bounds"), (1, "misaligned")])
def test_a_write_to_a_wrong_address_is_found(kernel, tmp_path, offset, fault):
    with pytest.raises(ptx.FaultError, match=rf"^{fault}: st\.global\.f32 of 4 bytes"):
        preprocessed(WRITE.sub(rf"\1+{offset}]", kernel), tmp_path)
