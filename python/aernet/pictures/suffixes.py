"""Which files count as pictures, and those that come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

PICTURE_SUFFIXES = (
    *(".avif", ".bmp", ".dcm", ".dicom", ".gif", ".heic", ".heif", ".jp2", ".jpe", ".jpeg", ".jpg"),
    *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
"""Suffixes, in lower case, of the files that count as pictures in a folder.

DICOM files count there whatever they are called.
"""

DICOM_SUFFIXES = (".dcm", ".dicom")
"""Suffixes of files that are DICOM: a folder holds more of these than photographs."""


def example_pictures() -> list[Path]:
    """Return the dermoscopic pictures that come with the package; `ATTRIBUTION.md` lies beside them."""
    return sorted((Path(str(files("aernet"))) / "examples").glob("*.jpg"))
