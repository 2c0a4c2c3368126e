"""The directories of a TIFF file (TIFF 6.0, and BigTIFF), which EXIF has too."""

from __future__ import annotations

import struct
from typing import TypeAlias

import numpy as np

from aernet.pictures.raster import Unusable

Directory: TypeAlias = dict[int, tuple[int, ...]]
"""The whole numbers of each tag that has some; texts, fractions and what lies outside are left out."""

_SUB_DIRECTORIES = 330
_MOST_DIRECTORIES = 10_000
_NUMBERS = {1: "u1", 7: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}


class Directories:
    """Reads directories from the content of a TIFF file."""

    def __init__(self, data: bytes) -> None:
        """Read the header.

        Raises:
            Unusable: there is no header of a TIFF file.
        """
        self._data = data
        self._order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        if not self._order or len(data) < 8:
            raise Unusable("it is cut short: the header of a TIFF file is not whole; copy the file again")
        self._big = self._number(2, 2) == 43

    def chain(self) -> list[Directory]:
        """Return the directories that follow one another, a page each.

        Raises:
            Unusable: a directory is not whole.
        """
        pages: list[Directory] = []
        position = self._number(8, 8) if self._big else self._number(4, 4)
        seen: set[int] = set()
        while position and position not in seen and len(seen) < _MOST_DIRECTORIES:
            seen.add(position)
            page, position = self._directory(position)
            pages.append(page)
        return pages

    def first(self) -> Directory:
        """Return the first directory, or as many of its entries as there are; what follows does not count.

        Raises:
            Unusable: the directory lies beyond the end.
        """
        position = self._number(8, 8) if self._big else self._number(4, 4)
        count_size, entry_size, _ = self._sizes()
        count = self._number(position, count_size)
        whole = (len(self._data) - position - count_size) // entry_size
        return self._entries(position + count_size, min(count, max(whole, 0)))

    def below(self, page: Directory) -> list[Directory]:
        """Return the directories that a page names as its own, such as a camera's raw data.

        Raises:
            Unusable: a directory is not whole.
        """
        return [self._directory(position)[0] for position in page.get(_SUB_DIRECTORIES, ())]

    def _number(self, position: int, size: int) -> int:
        content = self._data[position : position + size]
        if len(content) < size:
            raise Unusable("it is cut short: a directory lies beyond its end; copy the file again")
        return int.from_bytes(content, "little" if self._order == "<" else "big")

    def _directory(self, position: int) -> tuple[Directory, int]:
        count_size, entry_size, word = self._sizes()
        count = self._number(position, count_size)
        first = position + count_size
        following = self._number(first + count * entry_size, word)
        return self._entries(first, count), following

    def _sizes(self) -> tuple[int, int, int]:
        """Return the bytes of a number of entries, of an entry, and of a position."""
        return (8, 20, 8) if self._big else (2, 12, 4)

    def _entries(self, first: int, count: int) -> Directory:
        _, entry_size, word = self._sizes()
        directory: Directory = {}
        for entry in range(first, first + count * entry_size, entry_size):
            tag, kind = struct.unpack_from(f"{self._order}HH", self._data, entry)
            values = self._number(entry + 4, word)
            if kind not in _NUMBERS:
                continue
            number = np.dtype(self._order + _NUMBERS[kind])
            value_at = entry + 4 + word
            if number.itemsize * values > word:
                value_at = self._number(value_at, word)
            content = self._data[value_at : value_at + number.itemsize * values]
            if values and len(content) == number.itemsize * values:
                directory[tag] = tuple(np.frombuffer(content, number).tolist())
        return directory
