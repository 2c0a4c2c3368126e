"""BMP files, and the ICC profile that the fifth version of their header may name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aernet.pictures.pillow import decode_by_pillow

if TYPE_CHECKING:
    from aernet.pictures.raster import Raster

_HEADER, _V5 = 14, 124  # where the header begins, and how long that of version 5 is
_SPACE, _PROFILE, _PROFILE_SIZE = 56, 112, 116  # from there, as in BITMAPV5HEADER
_EMBEDDED = b"DEBM"


def decode_bmp(data: bytes) -> Raster:
    """Decode a BMP.

    Raises:
        Unusable: it is damaged, cut short, or absurdly large.
    """
    return replace(decode_by_pillow("bmp", data), profile=_profile(data))


def _profile(data: bytes) -> bytes | None:
    """Return the embedded ICC profile."""
    header = data[_HEADER:]
    if _number(header, 0) != _V5 or header[_SPACE : _SPACE + 4] != _EMBEDDED:
        return None
    begin = _number(header, _PROFILE)
    return header[begin : begin + _number(header, _PROFILE_SIZE)] or None


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "little")
