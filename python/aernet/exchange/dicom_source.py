"""The DICOM photograph that a DICOM object is made of: its study and its patient become the object's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aernet.errors import FrameError, SourceError
from aernet.exchange.checks import require_mask
from aernet.pictures.dicom_header import damaged, is_dicom, quiet_pydicom, read_dicom
from aernet.pictures.dicom_spacing import spacing_of
from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom import Dataset

    from aernet.arrays import HostImage

MANUFACTURER = "AER-Net"

# Attributes that may be empty but not absent (PS3.3, type 2), which some programs leave out.
_TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName", "PatientOrientation"),
)
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


class Source:
    """The header of a DICOM photograph, with all that objects of its study need.

    Args:
        path: the file.
        mask: uint8, H x W, 255 for lesion and 0 for skin, of its size.

    Raises:
        SourceError: the file cannot be read, is no DICOM photograph, lacks its UIDs, or states a spacing that
            is not two numbers above 0.
        FrameError: the mask is no such mask.
    """

    def __init__(self, path: Path, mask: HostImage) -> None:
        self.path = path
        require_mask(mask)
        if not is_dicom(path):
            raise SourceError(f"{path}: a DICOM object can be made of a DICOM file alone, and this is none")
        try:
            read_dicom(path, pixels=False)  # which refuses what is no photograph
            self.header, size = _whole_header(path)
            self.mm_per_pixel = spacing_of(self.header)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
        except Unusable as reason:
            raise SourceError(f"{path}: {reason}") from None
        if mask.shape != size:
            raise FrameError(
                f"mask must have the size of {path}, {size[0]} x {size[1]},"
                f" got {mask.shape[0]} x {mask.shape[1]}"
            )
        self.has_frames = "NumberOfFrames" in self.header
        """Whether objects have to say that the mask is that of the first frame."""

    @contextmanager
    def making(self, what: str) -> Iterator[None]:
        """Make an object of this photograph, such as "a segmentation"; errors do not quote the header.

        Raises:
            SourceError: highdicom cannot make it.
        """
        try:
            with quiet_pydicom():
                yield
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise SourceError(
                f"{self.path}: {what} cannot be made of it, as its header is not as the standard wants it"
                f" ({type(error).__name__}; --debug tells more)"
            ) from error


def as_file(data: Dataset) -> bytes:
    """Return a data set as the content of a file (PS3.10)."""
    from pydicom.filebase import DicomBytesIO  # noqa: PLC0415

    file = DicomBytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _whole_header(path: Path) -> tuple[Dataset, tuple[int, int]]:
    """Return the header of a photograph, and its height and width."""
    from pydicom import dcmread  # noqa: PLC0415 - the extra `dicom`

    with quiet_pydicom():
        try:
            header = dcmread(path, stop_before_pixels=True)
            missing = [name for name in (*_UIDS, "Rows", "Columns") if not header.get(name)]
            for name in _TYPE_2:
                if name not in header:
                    setattr(header, name, None)
            if not header.get("FrameOfReferenceUID"):
                header.pop("FrameOfReferenceUID", None)  # highdicom makes one, but would copy an empty one
            size = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:  # the system's, not pydicom's own
                raise
            raise damaged(error) from None
    if missing:
        raise Unusable(f"it lacks {', '.join(missing)}, which objects of its study need; export it anew")
    return header, size
