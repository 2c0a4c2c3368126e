"""Segments a frame that PyCUDA put on the GPU, and gives the mask to PyCUDA; neither is copied.

    python examples/pycuda_interop.py examples/ISIC_0011135.jpg

The import of `autoprimaryctx` makes PyCUDA use the GPU's primary context. With `autoinit` PyCUDA would make
a context of its own, whose memory no other library can reach; such a frame is refused.
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
    """Print how much of a picture the lesion covers."""
    frame = gpuarray.to_gpu(cv2.imread(str(picture)))
    with Segmenter(device="cuda") as segmenter:
        (mask,) = segmenter.masks_on_device([frame])
    # `mask` must outlive this array, which does not own its memory.
    lesion = gpuarray.GPUArray(mask.shape, np.uint8, gpudata=mask.__cuda_array_interface__["data"][0])
    print(f"{picture}: the lesion covers {np.count_nonzero(lesion.get()) / lesion.size:.1%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
