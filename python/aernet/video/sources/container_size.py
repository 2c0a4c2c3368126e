"""The length that a film states of itself, by which one that is cut short is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST_TS_PACKET = 192  # of Blu-ray and AVCHD, with a time of 4 bytes before each
_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"


def missing_bytes(path: Path) -> int:
    """Return how many bytes a film lacks at its end, by its own account; 0 where it does not say.

    MP4 and its kin, AVI, and Matroska with WebM state the length of their parts (ISO/IEC 14496-12, 4.2; the
    RIFF of AVI; RFC 8794, 11.2). A transport stream has packets of one length (ISO/IEC 13818-1, 2.4.3).
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LONGEST_TS_PACKET + 5)
        if start[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
            end = _end_of_boxes(file, length)
        elif start[:4] == b"RIFF":
            end = _end_of_riff(file, length)
        elif start[:4] == _EBML:
            end = _end_of_segment(file)
        else:
            end = _end_of_ts_packets(start, length)
    return max(0, end - length)


def _end_of_boxes(file: BinaryIO, length: int) -> int:
    end = 0
    while end < length:
        file.seek(end)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:], "big")
        if size < 8 or not kind.isalnum():  # the last box reaches to the end, or this is no box
            return 0
        end += size
    return end


def _end_of_riff(file: BinaryIO, length: int) -> int:
    end = 0
    while end < length:
        file.seek(end)
        header = file.read(8)
        size = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or size in {0, 0xFFFFFFFF}:  # while the film was written, or padding
            return 0
        end += 8 + size
    return end


def _end_of_segment(file: BinaryIO) -> int:
    file.seek(4)
    file.seek(_ebml_size(file) or 0, 1)
    if file.read(4) != _SEGMENT:
        return 0
    size = _ebml_size(file)
    return 0 if size is None else file.tell() + size


def _end_of_ts_packets(start: bytes, length: int) -> int:
    for size, first in ((188, 0), (_LONGEST_TS_PACKET, 4)):
        if start[first : first + 1] == start[first + size : first + size + 1] == b"G":
            return -(-length // size) * size
    return 0


def _ebml_size(file: BinaryIO) -> int | None:
    """Read a length: the zeros before its first one tell how many bytes follow; all ones are "unknown"."""
    first = file.read(1)
    following = 8 - first[0].bit_length() if first and first[0] else 0
    digits = (first + file.read(following)) or b"\0"
    bits = 7 * (following + 1)
    value = int.from_bytes(digits, "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
