"""Decodes picture files."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from aernet.errors import SourceError
from aernet.files import replacing

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Suffixes, in lower case, of the files that count as pictures in a folder."""

# Within a scan, FF 00 is a byte of data and FF D0 to FF D7 are restart markers.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_END = 0xD9


def example_pictures() -> list[Path]:
    """Return the dermoscopic pictures that come with the package; `ATTRIBUTION.md` lies beside them."""
    return sorted((Path(str(files("aernet"))) / "examples").glob("*.jpg"))


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """Read a picture file and decode it; see `decode_picture`.

    Raises:
        SourceError: the file cannot be read, or is not a complete 8-bit picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Return a picture as uint8 BGR, H x W x 3, turned as its EXIF orientation says.

    Gray becomes BGR, an alpha channel is dropped, and of several pages the first is taken.

    Args:
        data: the content of a picture file.
        name: the name of the picture in errors.

    Raises:
        SourceError: the data are empty, cut short, not a picture, or not 8 bits a channel.
    """
    if not data:
        raise SourceError(f"{name}: the file is empty (0 bytes)")
    if _is_cut_short(data):
        raise SourceError(f"{name}: the picture is cut short after {len(data)} bytes; copy the file again")
    try:
        # ANYDEPTH lets us refuse deeper pictures, which would otherwise be squeezed into 8 bits.
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise SourceError(f"{name}: OpenCV cannot decode it ({error.err})") from None
    if picture is None:
        raise SourceError(
            f"{name}: expected a picture, but it is damaged or of a kind that OpenCV cannot decode"
        )
    if picture.dtype != np.uint8:
        found = f"{8 * picture.itemsize} ({picture.dtype})"
        raise SourceError(f"{name}: expected 8 bits a channel, found {found}; save it with 8")
    return picture.astype(np.uint8, copy=False)


def write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write a picture or a mask as PNG, uint8, BGR or gray.

    Raises:
        AernetError: `path` cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def _is_cut_short(data: bytes) -> bool:
    """Tell whether a JPEG or PNG file lacks its end; OpenCV 4 would fill such a JPEG with gray."""
    if data.startswith(b"\xff\xd8"):
        return not _reaches_jpeg_end(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return not _reaches_png_end(data)
    return False


def _reaches_jpeg_end(data: bytes) -> bool:
    """Walk the segments (ITU-T T.81, annex B), so that the end of an embedded thumbnail does not count."""
    position = 2
    while found := _JPEG_MARKER.search(data, position):
        marker = data[found.start() + 1]
        if marker == _JPEG_END:
            return True
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        position = found.end() + length
    return False


def _reaches_png_end(data: bytes) -> bool:
    """Walk the chunks (ISO/IEC 15948, 5.3): length, type, data, checksum."""
    position = 8
    while position + 12 <= len(data):
        if data[position + 4 : position + 8] == b"IEND":
            return True
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return False
