"""PNG files: what their chunks say beyond the pixels (ISO/IEC 15948)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from aernet.pictures.colour import ColourSpace, are_primaries, from_code_points
from aernet.pictures.orientation import orientation_of
from aernet.pictures.pillow import decode_by_pillow
from aernet.pictures.raster import Unusable, refuse_depth, require_size

if TYPE_CHECKING:
    from aernet.pictures.raster import Raster


_RGB_IN_FULL_RANGE = b"\0\1"  # the third and fourth byte of cICP
_GAMMAS = range(16, 625_000_001)  # beyond which libpng does not believe gAMA


def decode_png(data: bytes) -> Raster:
    """Decode a PNG; of an animated one the first picture.

    Raises:
        Unusable: it is damaged, cut short, absurdly large, or has 16 bits a channel.
    """
    chunks = _read_chunks(data)
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise Unusable("the PNG has no header; copy the file again")
    require_size(int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big"))
    if header[8] > 8:
        raise refuse_depth(header[8])
    raster = decode_by_pillow(
        "png", data, orientation=orientation_of(chunks.get(b"eXIf", b"")), space=_colour_space(chunks)
    )
    return replace(raster, profile=None) if b"cICP" in chunks else raster


def _read_chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the first chunk of each type, and check every one by its sum, which decoders do not all do."""
    chunks: dict[bytes, bytes] = {}
    position, view = 8, memoryview(data)
    while position + 12 <= len(data):
        length = int.from_bytes(view[position : position + 4], "big")
        end = position + 8 + length
        if end + 4 > len(data):
            break
        kind = bytes(view[position + 4 : position + 8])
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise Unusable(
                f"the PNG is damaged: its chunk {kind.decode('latin-1')!r} at byte {position} does not agree"
                " with its checksum; copy the file again"
            )
        if kind == b"IEND":
            return chunks
        if kind != b"IDAT":
            chunks.setdefault(kind, bytes(view[position + 8 : end]))
        position = end + 4
    raise Unusable(f"the PNG is cut short after {len(data)} bytes; copy the file again")


def _colour_space(chunks: dict[bytes, bytes]) -> ColourSpace | None:
    """Return the colour space of the chunks other than iCCP, the strongest first (third edition, 13.14)."""
    if len(points := chunks.get(b"cICP", b"")) == 4:
        if points[2:] != _RGB_IN_FULL_RANGE:
            raise Unusable("its values have the range of television (cICP); save it in sRGB")
        return from_code_points(points[0], points[1])
    if b"sRGB" in chunks:
        return None
    gamma = int.from_bytes(chunks.get(b"gAMA", b"")[:4], "big")
    corners = chunks.get(b"cHRM", b"")
    primaries = tuple(int.from_bytes(corners[at : at + 4], "big") / 100_000 for at in range(0, 32, 4))
    return ColourSpace.of(
        exponent=100_000 / gamma if gamma in _GAMMAS else None,
        primaries=primaries if len(corners) == 32 and are_primaries(primaries) else None,
    )
