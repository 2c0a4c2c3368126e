"""DICOM photographs: their pixels, their spacing, and objects made of their headers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from attempts import attempt
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from aernet.pictures import decode_picture
from readers.pictures import MOST_PIXELS, noise

if TYPE_CHECKING:
    from pathlib import Path

_DERMOSCOPY = UID("1.2.840.10008.5.1.4.1.1.77.1.7")


def read(data: bytes, folder: Path) -> None:
    file = folder / "photograph.dcm"
    file.write_bytes(data)
    attempt(file, _pixels, _header)


def _pixels(file: Path) -> None:
    picture = decode_picture(file.read_bytes(), "picture", MOST_PIXELS)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3


def _header(file: Path) -> None:
    from aernet.exchange.dicom_source import Source

    Source(file, np.zeros((12, 16), np.uint8))


def seeds() -> dict[str, bytes]:
    picture = noise()
    return {
        "explicit": _file(picture, ExplicitVRLittleEndian),
        "implicit": _file(picture, ImplicitVRLittleEndian),
        "deflated": _file(picture, DeflatedExplicitVRLittleEndian),
        "jpeg": _file(picture, JPEGBaseline8Bit, _saved(picture, "JPEG")),
        "jpeg2000": _file(picture, JPEG2000Lossless, _saved(picture, "JPEG2000", no_jp2=True)),
        "gray": _file(picture[..., 0], ExplicitVRLittleEndian, WindowCenter=100, WindowWidth=80),
        "gray-16": _file(
            picture[..., 0].astype("<u2") * 16, ExplicitVRLittleEndian, RescaleSlope=2, RescaleIntercept=-5
        ),
    }


def _file(pixels: np.ndarray, syntax: UID, encoded: bytes | None = None, **more: object) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = _DERMOSCOPY
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    meta.TransferSyntaxUID = syntax
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    bits = 8 * pixels.dtype.itemsize
    gray = pixels.ndim == 2
    values = {
        "SOPClassUID": _DERMOSCOPY,
        "SOPInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.5",
        "Modality": "XC",
        "PatientName": "A^B",
        "PixelSpacing": [0.1, 0.1],
        "SamplesPerPixel": 1 if gray else 3,
        "PhotometricInterpretation": "MONOCHROME2" if gray else "YBR_FULL_422" if encoded else "RGB",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": 0,
    }
    if not gray:
        values["PlanarConfiguration"] = 0
    if syntax == JPEG2000Lossless:
        values["PhotometricInterpretation"] = "YBR_RCT"
    for name, value in (values | more).items():
        setattr(data, name, value)
    data.PixelData = encapsulate([encoded]) if encoded else pixels.tobytes()
    if encoded:
        data["PixelData"].is_undefined_length = True
    file = DicomBytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _saved(picture: np.ndarray, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()
