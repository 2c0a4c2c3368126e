"""JPEG 2000 files: what Pillow would not say of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aernet.pictures.boxes import boxes
from aernet.pictures.codestream import require_whole_codestream
from aernet.pictures.pillow import decode_by_pillow
from aernet.pictures.raster import Unusable, refuse_depth

if TYPE_CHECKING:
    from aernet.pictures.raster import Raster

_CODESTREAM = b"\xff\x4f\xff\x51"
_SRGB, _GRAY, _SYCC = 16, 17, 18
_ICC = 2


def decode_jpeg2000(data: bytes) -> Raster:
    """Decode a JPEG 2000 file in sRGB, sYCC or gray, or with an ICC profile.

    Raises:
        Unusable: it is damaged, cut short, deeper than 8 bits, or of another colour space.
    """
    start = data.find(_CODESTREAM)
    size = data[start + 2 :]  # the segment SIZ (ITU-T T.800, A.5.1)
    count = int.from_bytes(size[38:40], "big")
    for depth in size[40 : 40 + 3 * count : 3]:
        if (depth & 127) + 1 > 8:
            raise refuse_depth((depth & 127) + 1)
    if start >= 0:
        require_whole_codestream(data[start:])
    profile = None
    for colour in boxes(data, b"jp2h", b"colr"):
        if colour[:1] == bytes([_ICC]):
            profile = colour[3:]
        elif int.from_bytes(colour[3:7], "big") not in {_SRGB, _GRAY, _SYCC}:
            raise Unusable("the JPEG 2000 file is in a rare colour space; save it in sRGB")
    return replace(decode_by_pillow("jp2", data), profile=profile)
