"""PBM, PGM and PPM files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aernet.pictures.pillow import decode_by_pillow
from aernet.pictures.raster import refuse_depth

if TYPE_CHECKING:
    from aernet.pictures.raster import Raster

_HEADER = re.compile(rb"P[2356](?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+(\d+)")


def decode_pnm(data: bytes) -> Raster:
    """Decode a PBM, PGM or PPM file.

    Raises:
        Unusable: it is damaged, cut short, or its greatest value is above 255.
    """
    # Of any number of digits the first four that count tell.
    if (header := _HEADER.match(data)) and int(header[1].lstrip(b"0")[:4] or b"0") > 255:
        raise refuse_depth(16)
    return decode_by_pillow("pnm", data)
