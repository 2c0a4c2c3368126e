"""Keeps what the installed aernet makes of pictures, to be compared with another processor's.

python packaging/masks.py examples masks.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from aernet import Segmenter


def main() -> None:
    """Write the mask and the probability map of each JPEG of a folder; both have the stem in their names."""
    folder, target = sys.argv[1:]
    segmenter = Segmenter(device="cpu")
    found = {"threshold": np.float64(segmenter.threshold)}
    for path in sorted(Path(folder).glob("*.jpg")):
        result = segmenter(path)
        found |= {f"mask {path.stem}": result.mask, f"probability {path.stem}": result.probability}
    np.savez(target, **found)


if __name__ == "__main__":
    main()
