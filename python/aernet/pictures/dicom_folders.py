"""Which DICOM files of a folder or of a DICOMDIR are photographs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.pictures.dicom_header import damaged, is_dicom, quiet_pydicom, read_dicom, require_inflated_size
from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from collections.abc import Sequence
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
        SourceError: the extra `dicom` is not installed, or the file is damaged or names files outside its
            folder; the message names it.
    """
    if find_spec("pydicom") is None:
        raise SourceError(f"{path}: a DICOMDIR needs pydicom; pip install 'aernet[dicom]'")
    from pydicom import dcmread  # noqa: PLC0415 - the extra `dicom`

    with quiet_pydicom():
        try:
            with path.open("rb") as file:
                require_inflated_size(file)
                records = dcmread(file, specific_tags=["DirectoryRecordSequence"]).DirectoryRecordSequence
            ids = [record.ReferencedFileID for record in records if record.DirectoryRecordType == "IMAGE"]
        except Unusable as reason:
            raise SourceError(f"{path}: {reason}") from None
        except Exception as error:  # noqa: BLE001 - pydicom raises anything on damaged data
            raise SourceError(f"{path}: {damaged(error)}") from None
    names = [[name] if isinstance(name, str) else [*name] for name in ids]
    if outside := [name for name in names if _leads_out(name)]:
        raise SourceError(
            f"{path}: {len(outside)} of the {len(names)} files that it names lie outside its folder, such as"
            f" {'/'.join(outside[0])}; give the folder instead"
        )
    return [path.parent.joinpath(*name) for name in names]


def _leads_out(name: Sequence[str]) -> bool:
    """Tell whether the parts of a name (PS3.10, 8.2) lead out of the folder, on any system."""
    parts = PureWindowsPath(*name)
    return bool(parts.anchor) or ".." in parts.parts or any("\0" in part for part in name)
