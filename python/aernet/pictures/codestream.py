"""The codestream of a JPEG 2000 (ITU-T T.800, annex A): whether it is whole, and not absurdly divided."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aernet.pictures.raster import Unusable, require_size

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZ, _COD, _COC, _SOT, _SOD, _EOC = (
    b"\xff\x51",
    b"\xff\x52",
    b"\xff\x53",
    b"\xff\x90",
    b"\xff\x93",
    b"\xff\xd9",
)
_MOST_BLOCKS = 1 << 20
"""Precincts or code-blocks; OpenJPEG takes about a kilobyte for each before it reads any of them."""


def require_whole_codestream(data: bytes) -> None:
    """See that all tiles are there, where OpenJPEG would show black, and that blocks are not absurdly small.

    Args:
        data: from the marker SOC on.

    Raises:
        Unusable: it is damaged, cut short, lacks tiles, or would take gigabytes.
    """
    try:
        _walk(data)
    except (IndexError, ValueError):
        raise Unusable("the JPEG 2000 is damaged or cut short (its header); copy the file again") from None


def _walk(data: bytes) -> None:
    size, samples, tiles = b"", 0, set()
    position, tile_end = 2, 0
    while (marker := data[position : position + 2])[:1] == b"\xff" and marker != _EOC:
        length = _number(data, position + 2, 2)
        content = data[position + 4 : position + 2 + length]
        if marker == _SIZ:
            size = content
            width, height = (_number(size, at, 4) - _number(size, at + 8, 4) for at in (2, 6))
            require_size(width, height)
            samples = _number(size, 34, 2) * width * height
        elif marker in {_COD, _COC}:
            _require_few_blocks(samples, min(_areas(marker, content, _number(size, 34, 2))))
        elif marker == _SOT:
            tiles.add(_number(content, 0, 2))
            part = _number(content, 2, 4)
            tile_end = position + part if part else data.rfind(_EOC)
        if marker == _SOD:
            if not position < tile_end < len(data):
                break
            position = tile_end
        else:
            position += 2 + length
    expected = _tiles(size)
    if data[position : position + 2] != _EOC or tiles != set(range(expected)):
        raise Unusable(
            f"the JPEG 2000 is damaged or cut short: {len(tiles)} of its {expected} tiles are there;"
            " copy the file again"
        )


def _areas(marker: bytes, content: bytes, components: int) -> Iterator[int]:
    """Yield the areas of code-blocks, and of stated precincts, in the picture's own pixels (A.6.1, A.6.2)."""
    if marker == _COD:
        has_precincts, parameters = content[0] & 1, content[5:]
    else:
        rest = content[1 if components < 257 else 2 :]
        has_precincts, parameters = rest[0] & 1, rest[1:]
    yield 1 << (parameters[1] & 15) + (parameters[2] & 15) + 4
    for level, sides in enumerate(reversed(parameters[5:]) if has_precincts else b""):
        yield 1 << (sides & 15) + (sides >> 4) + 2 * level  # each level has half the width and height


def _require_few_blocks(samples: int, area: int) -> None:
    if samples // area > _MOST_BLOCKS:
        raise Unusable(f"the JPEG 2000 is made of blocks of {area} pixels, which are too many; save it anew")


def _tiles(size: bytes) -> int:
    counts = [
        math.ceil((_number(size, 2 + at, 4) - _number(size, 26 + at, 4)) / max(1, _number(size, 18 + at, 4)))
        for at in (0, 4)
    ]
    return max(1, min(math.prod(counts), 1 << 16))


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")
