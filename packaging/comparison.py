"""Compares the masks of two processors by the mask contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

NEAR = 1e-3  # of the threshold, where masks may differ


def compare(expected: Mapping[str, npt.NDArray], found: Mapping[str, npt.NDArray]) -> str:
    """Return a line on how two files of masks.py differ.

    Raises:
        SystemExit: they are not of the same pictures, or a mask differs where the expected probability is
            farther than 1e-3 from the threshold.
    """
    if set(expected) != set(found):
        raise SystemExit(f"masks of other pictures: {sorted(set(expected) ^ set(found))}")
    threshold = float(expected["threshold"])
    names = sorted(name.removeprefix("mask ") for name in expected if name.startswith("mask "))
    pixels = differing = 0
    far, largest = [], 0.0
    for name in names:
        mask, other = expected[f"mask {name}"], found[f"mask {name}"]
        if mask.shape != other.shape or not mask.any():
            raise SystemExit(
                f"{name}: a mask of the shape {mask.shape} and one of {other.shape}, or no lesion"
            )
        map_, map_found = expected[f"probability {name}"], found[f"probability {name}"]
        largest = max(largest, float(np.abs(map_ - map_found).max()))
        differs = mask != other
        resized = cv2.resize(map_, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
        if (differs & (np.abs(resized - threshold) > NEAR)).any():
            far.append(name)
        pixels += mask.size
        differing += int(differs.sum())
    if far:
        raise SystemExit(f"masks differ by more than the contract allows: {', '.join(far)}")
    return (
        f"{len(names)} pictures, {differing} of {pixels} pixels of the masks differ, each within {NEAR:g} of"
        f" the threshold; largest difference of a probability: {largest:.1e}"
    )
