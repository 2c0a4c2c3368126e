"""AVIF, which Pillow decodes, and HEIF, which the extra `heif` decodes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from aernet.pictures.boxes import boxes
from aernet.pictures.colour import from_code_points
from aernet.pictures.pillow import decode_by_pillow
from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from aernet.pictures.colour import ColourSpace
    from aernet.pictures.raster import Raster


def decode_avif(data: bytes) -> Raster:
    """Decode an AVIF; Pillow hands on its turns and mirrors as EXIF's orientation.

    Raises:
        Unusable: it is damaged, or has a high dynamic range.
    """
    return decode_by_pillow("avif", data, space=_colour_space(data))


def decode_heif(data: bytes) -> Raster:
    """Decode the primary picture of a HEIF, such as HEIC from a phone; libheif turns and mirrors it.

    Raises:
        Unusable: the extra is not installed, or the file is damaged, or has a high dynamic range.
    """
    if find_spec("pi_heif") is None:
        raise Unusable("a HEIC or HEIF file needs pi-heif; pip install 'aernet[heif]'")
    return decode_by_pillow("heif", data, orientation=1, space=_colour_space(data))


def _colour_space(data: bytes) -> ColourSpace | None:
    """Return the space of the first property `colr` with code points; an ICC profile, if any, goes first."""
    for colour in boxes(data, b"meta", b"iprp", b"ipco", b"colr"):
        if colour[:4] == b"nclx" and len(colour) >= 8:
            return from_code_points(int.from_bytes(colour[4:6], "big"), int.from_bytes(colour[6:8], "big"))
    return None
