"""The directories of a TIFF file (TIFF 6.0, and BigTIFF), which EXIF has too."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from collections.abc import Collection

Directory: TypeAlias = dict[int, tuple[int, ...]]
"""The whole numbers of each tag that is asked for and has some, of a tag that is there twice the first."""

_SUB_DIRECTORIES = 330
_MOST_DIRECTORIES = 10_000
_NUMBERS = {1: "u1", 7: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}


class Directories:
    """Reads directories from the content of a TIFF file.

    Together they and the values that are asked for may have as many bytes as the file: where they overlap, a
    small file could state gigabytes.
    """

    def __init__(self, data: bytes, tags: Collection[int]) -> None:
        """Read the header.

        Args:
            data: the content of a TIFF file, or EXIF data.
            tags: the tags that are asked for.

        Raises:
            Unusable: there is no header of a TIFF file.
        """
        self._data = data
        self._tags = [*tags, _SUB_DIRECTORIES]
        self._unread = len(data)
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
        self._read(count * entry_size)
        order = self._order
        layout = [
            ("tag", f"{order}u2"),
            ("kind", f"{order}u2"),
            ("count", f"{order}u{word}"),
            ("value", f"V{word}"),
        ]
        entries = np.frombuffer(self._data, np.dtype(layout), count, first)
        directory: Directory = {}
        for index in np.flatnonzero(np.isin(entries["tag"], self._tags)).tolist():
            tag, kind, values = (int(entries[name][index]) for name in ("tag", "kind", "count"))
            if kind not in _NUMBERS or tag in directory:
                continue
            stored = np.dtype(order + _NUMBERS[kind])
            value_at = first + index * entry_size + 4 + word
            if stored.itemsize * values > word:
                value_at = self._number(value_at, word)
            if values and value_at + stored.itemsize * values <= len(self._data):
                self._read(stored.itemsize * values)
                directory[tag] = tuple(np.frombuffer(self._data, stored, values, value_at).tolist())
        return directory

    def _read(self, size: int) -> None:
        self._unread -= size
        if self._unread < 0:
            raise Unusable("it is damaged: its directories overlap; copy the file again")
