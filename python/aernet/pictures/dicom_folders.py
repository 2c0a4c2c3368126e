"""Which DICOM files of a folder or of a DICOMDIR are photographs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.pictures.dicom_header import damaged, is_dicom, quiet_pydicom, read_dicom
from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from pathlib import Path


def why_no_photograph(path: Path) -> str | None:
    """Return why a DICOM file is not segmented, None if it is a photograph; its pixels are not looked at."""
    try:
        read_dicom(path, pixels=False)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except Unusable as reason:
        return str(reason)
    return None


def is_dicomdir(path: Path) -> bool:
    """Tell the index of a DICOM medium (PS3.10, 8), which is always called so."""
    return path.name.upper() == "DICOMDIR" and is_dicom(path)


def dicomdir_files(path: Path) -> list[Path]:
    """Return the image files that a DICOMDIR names, in its order; they need not be there.

    Raises:
        SourceError: the extra `dicom` is not installed, or the file is damaged; the message names it.
    """
    if find_spec("pydicom") is None:
        raise SourceError(f"{path}: a DICOMDIR needs pydicom; pip install 'aernet[dicom]'")
    from pydicom import dcmread  # noqa: PLC0415 - the extra `dicom`

    with quiet_pydicom():
        try:
            records = dcmread(path, specific_tags=["DirectoryRecordSequence"]).DirectoryRecordSequence
            names = [record.ReferencedFileID for record in records if record.DirectoryRecordType == "IMAGE"]
        except Exception as error:  # noqa: BLE001 - pydicom raises anything on damaged data
            raise SourceError(f"{path}: {damaged(error)}") from None
    return [path.parent.joinpath(*([name] if isinstance(name, str) else name)) for name in names]
