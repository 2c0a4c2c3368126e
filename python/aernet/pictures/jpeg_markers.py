"""What the markers of a JPEG say (ITU-T T.81, annex B), without a look at its coefficients."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from aernet.pictures.raster import Unusable, refuse_depth, require_size

# Table B.1; C4, C8 and CC are no frames: Huffman tables, reserved, arithmetic conditioning.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_OTHERS = {0xC3: "a lossless JPEG", 0xCB: "a lossless JPEG", 0xF7: "a JPEG-LS file"} | dict.fromkeys(
    (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "a hierarchical JPEG"
)
_SCAN, _END, _APP1, _APP2 = 0xDA, 0xD9, 0xE1, 0xE2
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"

# Within a scan, FF 00 is a byte of data and FF D0 to FF D7 are restart markers.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass
class Headers:
    """The headers in front of the first scan."""

    frame: int = 0
    components: bytes = b""
    """The identifiers of the frame's components."""
    exif: bytes = b""
    profile_parts: dict[int, bytes] = field(default_factory=dict)
    first_scan: int = 0
    """Where the first scan's marker is."""

    @property
    def profile(self) -> bytes | None:
        """The ICC profile, put together."""
        return b"".join(part for _, part in sorted(self.profile_parts.items())) or None

    @property
    def is_progressive(self) -> bool:
        """Whether later scans refine what earlier ones hold."""
        return self.frame in _PROGRESSIVE


def read_headers(data: bytes) -> Headers:
    """Walk the segments up to the first scan; what an embedded thumbnail says does not count.

    Raises:
        Unusable: the JPEG ends before, claims an absurd size, or is of a kind that is not decoded.
    """
    headers = Headers()
    position = 2
    while found := _MARKER.search(data, position):
        marker = data[found.start() + 1]
        if marker == _SCAN and headers.frame:
            headers.first_scan = found.start()
            return headers
        if marker in {_SCAN, _END}:
            break
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        content = data[found.end() + 2 : position]
        if marker in _OTHERS:
            raise Unusable(f"it is {_OTHERS[marker]}, which is not read here; convert it to PNG")
        if marker in _FRAMES and len(content) >= 6:
            _read_frame(headers, marker, content)
        elif marker == _APP1 and content.startswith(_EXIF) and not headers.exif:
            headers.exif = content
        elif marker == _APP2 and content.startswith(_ICC) and len(content) > 14:
            headers.profile_parts.setdefault(content[12], content[14:])
    raise Unusable(f"it is cut short after {len(data)} bytes; copy the file again")


def has_end(data: bytes, headers: Headers) -> bool:
    """Tell whether the end of the picture, not that of a thumbnail, is marked."""
    return any(marker == _END for marker, _ in _markers(data, headers))


def count_scans(data: bytes, headers: Headers) -> int:
    """Return in how many passes over the picture its coefficients come."""
    return sum(marker == _SCAN for marker, _ in _markers(data, headers))


def lacks_scans(data: bytes, headers: Headers) -> bool:
    """Tell whether a component, or bits of its coefficients, come in none of the scans.

    libjpeg shows what there is without a warning.
    """
    missing = dict.fromkeys(((one, k) for one in headers.components for k in range(64)), -1)
    for marker, content in _markers(data, headers):
        count = content[0] if content else 0
        if marker != _SCAN or len(content) < 2 * count + 4:
            continue
        first, last, bits = content[2 * count + 1 : 2 * count + 4]
        if not headers.is_progressive:
            first, last, bits = 0, 63, 0
        for one in content[1 : 2 * count + 1 : 2]:
            missing.update(dict.fromkeys(((one, k) for k in range(first, min(last, 63) + 1)), bits & 15))
        if count == len(headers.components) and not headers.is_progressive:
            return False
    return any(missing.values())


def _read_frame(headers: Headers, marker: int, content: bytes) -> None:
    height, width = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
    if content[0] != 8:
        raise refuse_depth(content[0])
    require_size(width, height)
    headers.frame = marker
    headers.components = content[6 : 6 + 3 * content[5] : 3]


def _markers(data: bytes, headers: Headers) -> list[tuple[int, bytes]]:
    """Return the markers from the first scan to the end, each with its segment."""
    markers: list[tuple[int, bytes]] = []
    position = headers.first_scan
    while found := _MARKER.search(data, position):
        marker = data[found.start() + 1]
        if marker == _END:
            return [*markers, (marker, b"")]
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        markers.append((marker, data[found.end() + 2 : position]))
    return markers
