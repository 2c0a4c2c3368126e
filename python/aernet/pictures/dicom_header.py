"""What the header of a DICOM file says; the patient's part of it is never looked at."""

from __future__ import annotations

import logging
import threading
import warnings
import zlib
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING

from aernet.pictures.raster import Unusable, most_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from pydicom import Dataset

_PREAMBLE = 132
_DICOMDIR = "1.2.840.10008.1.3.10"
_PHOTOGRAPHS = {
    "1.2.840.10008.5.1.4.1.1.77.1.7": "Dermoscopic Photography",
    "1.2.840.10008.5.1.4.1.1.77.1.4": "VL Photographic",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.2": "Multi-frame Grayscale Byte Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.3": "Multi-frame Grayscale Word Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.4": "Multi-frame True Color Secondary Capture",
}
"""The storage classes that are read (PS3.4, annex B.5)."""

# Of a file with many thousand elements these alone are read.
_IMAGE = (
    *("SOPClassUID", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
    *("PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ICCProfile"),
    *("RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData"),
    *("SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData"),
    *("SegmentedBluePaletteColorLookupTableData", "RescaleSlope", "RescaleIntercept"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "PixelData", "ExtendedOffsetTable"),
    *("ExtendedOffsetTableLengths", "PixelSpacing", "SharedFunctionalGroupsSequence"),
    *("PerFrameFunctionalGroupsSequence",),
)
_quiet = threading.Lock()

_INFLATED_PER_PIXEL = 8  # bytes: three channels of 16 bits, and what stands beside them
_STEP = 1 << 20


def is_dicom(path: Path) -> bool:
    """Tell a DICOM file by its preamble (PS3.10, 7.1), as its name often has no suffix."""
    try:
        with path.open("rb") as file:
            return starts_as_dicom(file.read(_PREAMBLE))
    except OSError:
        return False


def starts_as_dicom(data: bytes) -> bool:
    """Tell whether the content of a file begins with that preamble."""
    return data[128:_PREAMBLE] == b"DICM"


def read_dicom(source: bytes | Path, *, pixels: bool = True) -> Dataset:
    """Read what a DICOM photograph says of its pixels, and nothing of the patient.

    Args:
        source: the file or its content.
        pixels: whether to read the pixels too.

    Raises:
        Unusable: the extra is not installed, the file is damaged, or it is no photograph.
        OSError: the file cannot be read.
    """
    if find_spec("pydicom") is None:
        raise Unusable("a DICOM file needs pydicom; pip install 'aernet[dicom]'")
    from pydicom import dcmread  # noqa: PLC0415 - the extra `dicom`

    with quiet_pydicom(), BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        try:
            require_inflated_size(file)
            dataset = dcmread(file, specific_tags=list(_IMAGE), stop_before_pixels=not pixels)
            storage_class = _storage_class(dataset)
            name = _name_of(storage_class)
        except Unusable:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:  # the system's, not pydicom's own
                raise
            raise damaged(error) from None
    if storage_class not in _PHOTOGRAPHS:
        raise Unusable(
            f"expected a photograph ({', '.join(list(_PHOTOGRAPHS.values())[:3])}),"
            f" found a DICOM file of another kind ({name})"
        )
    return dataset


def require_inflated_size(file: BinaryIO) -> None:
    """Refuse a deflated file that would be huge, before pydicom inflates it at once; go back to its start.

    Raises:
        Unusable: it is that.
        Exception: pydicom's and zlib's, of damaged data.
    """
    from pydicom.filereader import _read_file_meta_info, read_preamble  # noqa: PLC0415 - as above
    from pydicom.uid import DeflatedExplicitVRLittleEndian  # noqa: PLC0415

    read_preamble(file, force=False)
    syntax = _read_file_meta_info(file).get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        most = _INFLATED_PER_PIXEL * most_pixels()
        inflating, rest, size = zlib.decompressobj(-zlib.MAX_WBITS), file.read(), 0
        while size <= most and (step := inflating.decompress(rest, _STEP)):
            size, rest = size + len(step), inflating.unconsumed_tail
        if size > most:
            raise Unusable(f"it would have more than {most} bytes once inflated; export it smaller")
    file.seek(0)


def damaged(error: Exception) -> Unusable:
    """Return the refusal of a file that pydicom cannot read; its own words may hold values of elements."""
    if isinstance(error, MemoryError):
        return Unusable("there is not enough memory to decode this DICOM file")
    return Unusable(f"the DICOM file is damaged or cut short ({type(error).__name__}); copy the file again")


def _storage_class(dataset: Dataset) -> str:
    return str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))


def _name_of(storage_class: str) -> str:
    from pydicom.uid import UID  # noqa: PLC0415

    if storage_class == _DICOMDIR:
        return "a DICOMDIR, which names files; give it to a command, or the files in it"
    uid = UID(storage_class)
    return uid.name if uid.is_valid else "it does not say which"


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's warnings from terminal and log: they name no file, and may quote the patient's data."""
    log = logging.getLogger("pydicom")
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, log.propagate = log.propagate, False
        try:
            yield
        finally:
            log.propagate = before
