"""How many millimetres of the skin a pixel of a DICOM photograph is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from aernet.errors import SourceError
from aernet.pictures.dicom_header import damaged, is_dicom, quiet_pydicom, read_dicom, starts_as_dicom
from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset


def mm_per_pixel_of(path: Path) -> tuple[float, float] | None:
    """Return the distances of neighbouring rows and of neighbouring columns in millimetres.

    This is the Pixel Spacing of a DICOM file (0028,0030), or that of the pixel measures of its first frame.
    Nominal Scanned Pixel Spacing and Imager Pixel Spacing do not count, as they are measured on a film, a
    print or a detector, not on the skin. None for a picture that is no DICOM, or does not state it.

    Raises:
        SourceError: the file cannot be read, is no photograph, or states a spacing that is not two numbers
            above 0; the message names it.
    """
    if not is_dicom(path):
        return None
    try:
        return _spacing_in(path, str(path))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def mm_per_pixel_in(data: bytes, name: str) -> tuple[float, float] | None:
    """Return what `mm_per_pixel_of` returns for the content of a file, which errors call `name`."""
    return _spacing_in(data, name) if starts_as_dicom(data) else None


def spacing_of(dataset: Dataset) -> tuple[float, float] | None:
    """Return the distances of neighbouring rows and of neighbouring columns in millimetres, None if unstated.

    Raises:
        Unusable: they are not two numbers above 0.
    """
    with quiet_pydicom():
        try:
            spacing = _stated(dataset)
        except Exception as error:  # noqa: BLE001 - pydicom raises anything on damaged data
            raise damaged(error) from None
    if spacing is None:
        return None
    if len(spacing) != 2 or not all(math.isfinite(value) and value > 0 for value in spacing):
        found = " x ".join(f"{value:g}" for value in spacing)
        raise Unusable(f"its Pixel Spacing is {found} mm, expected two numbers above 0; correct it there")
    return spacing[0], spacing[1]


def _spacing_in(source: bytes | Path, name: str) -> tuple[float, float] | None:
    try:
        return spacing_of(read_dicom(source, pixels=False))
    except Unusable as reason:
        raise SourceError(f"{name}: {reason}") from None


def _stated(dataset: Dataset) -> list[float] | None:
    if "PixelSpacing" in dataset and not dataset["PixelSpacing"].is_empty:
        return [float(value) for value in np.ravel(dataset.PixelSpacing)]
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in (dataset.get(groups) or ())[:1]:
            for measures in group.get("PixelMeasuresSequence") or ():
                if (spacing := _stated(measures)) is not None:
                    return spacing
    return None
