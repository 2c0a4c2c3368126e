"""What a mask is of and how it was made, noted in its PNG (a chunk tEXt, which viewers ignore)."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEYWORD = "aernet"
_HEADER_END = 33  # of the signature and the chunk IHDR


def with_note(png: bytes, note: Mapping[str, Any]) -> bytes:
    """Return a PNG with a note in it."""
    chunk = b"tEXt" + _KEYWORD.encode() + b"\0" + json.dumps(note).encode()
    framed = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return png[:_HEADER_END] + framed + png[_HEADER_END:]


def read_note(mask: Path) -> dict[str, Any] | None:
    """Return the note in a PNG; None if there is none, or the file is no PNG."""
    try:
        with Image.open(mask) as png:
            note = json.loads(png.info.get(_KEYWORD, ""))
    except (OSError, ValueError, SyntaxError):
        return None
    return note if isinstance(note, dict) else None
