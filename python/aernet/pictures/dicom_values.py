"""How the stored values of a DICOM image become 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset

    from aernet.pictures.raster import Pixels


def eight_bits(values: Any, bits: int) -> Pixels:
    """Return unsigned values of so many bits as uint8, the highest as 255."""
    if bits == 8:
        return np.asarray(values, np.uint8)
    highest = (1 << bits) - 1
    return _rounded(np.minimum(values, highest) * (255 / highest))


def through_window(values: Any, dataset: Dataset) -> Pixels:
    """Return gray values, H x W, as the first window of the file shows them (PS3.3, C.11.2.1).

    Without a window all bits that are stored count. A VOI LUT Sequence is not applied.
    """
    window = _first_window(dataset)
    bits = int(dataset.BitsStored)
    if window is None:
        lowest = -(1 << (bits - 1)) if dataset.get("PixelRepresentation") else 0
        gray = eight_bits(values.astype(np.int64) - lowest, bits)
        return 255 - gray if float(dataset.get("RescaleSlope") or 1) < 0 else gray
    centre, width, function = window
    shown = values * float(dataset.get("RescaleSlope") or 1) + float(dataset.get("RescaleIntercept") or 0)
    if function == "SIGMOID":
        return _rounded(255 / (1 + np.exp(-4 * (shown - centre) / width)))
    if function != "LINEAR_EXACT":
        centre, width = centre - 0.5, max(width - 1, np.finfo(float).eps)
    ends = (centre - width / 2, centre + width / 2)
    return _rounded(np.interp(shown, ends, (0, 255)))


def _rounded(values: Any) -> Pixels:
    return np.asarray(np.rint(values), np.uint8)


def _first_window(dataset: Dataset) -> tuple[float, float, str] | None:
    """Return centre, width and function of the first window; None if there is none that shows anything."""
    first = [np.ravel(dataset.get(name) or ())[:1] for name in ("WindowCenter", "WindowWidth")]
    if not all(len(value) for value in first):
        return None
    centre, width = (float(value[0]) for value in first)
    return (centre, width, str(dataset.get("VOILUTFunction", "LINEAR"))) if width > 0 else None
