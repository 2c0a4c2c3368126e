"""A frame that PyCUDA put on the GPU is segmented there, and its mask goes back to PyCUDA; neither is copied.

    python examples/pycuda_interop.py examples/ISIC_0011135.jpg

PyCUDA shares the GPU's primary context if it is told to, as the import of `autoprimaryctx` does. Memory of a
context of its own (`autoinit`) is out of reach for others, and is refused.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pycuda.autoprimaryctx  # noqa: F401 - makes the primary context current
from pycuda import gpuarray

from aernet import Segmenter


def main(picture: Path) -> None:
    """Say how much of a picture the lesion covers."""
    frame = gpuarray.to_gpu(cv2.imread(str(picture)))
    with Segmenter(device="cuda") as segmenter:
        (mask,) = segmenter.masks_on_device([frame])
    # PyCUDA's array does not own the memory: `mask` must outlive it.
    lesion = gpuarray.GPUArray(mask.shape, np.uint8, gpudata=mask.__cuda_array_interface__["data"][0])
    print(f"{picture}: the lesion covers {np.count_nonzero(lesion.get()) / lesion.size:.1%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
