"""The boxes of AVIF, HEIF and JPEG 2000 files (ISO/IEC 14496-12), where they state colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WITH_VERSION = b"meta"


def boxes(data: bytes, *path: bytes) -> Iterator[bytes]:
    """Yield the contents of the boxes of a type that lie in boxes of the types before it."""
    position = 0
    while position + 8 <= len(data):
        size, start = int.from_bytes(data[position : position + 4], "big"), position + 8
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = position + size if size else len(data)
        if end < start:
            return
        if data[position + 4 : position + 8] == path[0]:
            content = data[start + 4 * (path[0] == _WITH_VERSION) : end]
            if len(path) == 1:
                yield content
            else:
                yield from boxes(content, *path[1:])
        position = end
