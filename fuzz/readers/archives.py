"""Zip files of pictures and masks, and what they hold."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np
from attempts import attempt
from PIL import Image

from aernet.data.sources import find_sources
from aernet.pairs import find_pairs
from readers.pictures import noise

if TYPE_CHECKING:
    from pathlib import Path


def read(data: bytes, folder: Path) -> None:
    file = folder / "data.zip"
    file.write_bytes(data)
    attempt(file, find_sources, _pairs)


def _pairs(file: Path) -> None:
    for pair in find_pairs(file, file):
        pair.read()


def seeds() -> dict[str, bytes]:
    picture = _png(noise())
    mask = _png(np.where(noise()[..., 0] > 128, 255, 0).astype(np.uint8))
    names = {"a.png": picture, "a_segmentation.png": mask}
    isic = {"ISIC2018_Task1-2_Training_Input/a.png": picture}
    isic |= {"ISIC2018_Task1_Training_GroundTruth/a_segmentation.png": mask}
    return {
        "stored": _zip(names, zipfile.ZIP_STORED),
        "deflated": _zip(names, zipfile.ZIP_DEFLATED),
        "lzma": _zip(names, zipfile.ZIP_LZMA),
        "isic": _zip(isic, zipfile.ZIP_DEFLATED),
        "leads-out": _zip({"../a.png": picture}, zipfile.ZIP_STORED),
    }


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _zip(names: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in names.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()
