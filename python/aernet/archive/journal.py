"""What is done already: a small SQLite database in the folder of the outputs.

It holds a row for each input, which is written before the input's first output appears, and again when all of
them are complete. So a process that ends at any moment, whatever ends it, leaves no output of which the
journal does not know.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from aernet.errors import AernetError
from aernet.files import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

JOURNAL = "aernet-journal.sqlite"
"""The name of the journal's file."""

_PATIENCE = 1.0  # seconds in which another run may end
_TABLES = """
CREATE TABLE IF NOT EXISTS inputs (
    output PRIMARY KEY, source NOT NULL, size INTEGER, changed_ns INTEGER, content TEXT,
    settings TEXT NOT NULL, kinds TEXT NOT NULL, facts TEXT NOT NULL, done INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pieces (output, kind TEXT, piece BLOB NOT NULL, PRIMARY KEY (output, kind));
"""


_Told = tuple[dict[str, Any], frozenset[str], dict[str, Any]]  # settings, kinds and facts of an entry


class JournalError(AernetError):
    """The journal cannot be kept, so that nothing can be written."""


@dataclass(frozen=True)
class Source:
    """What an input is known by."""

    name: str
    """Its path without links, or its address."""
    size: int | None
    """Its size in bytes; None for what comes from the web, which is known by its address alone."""
    changed_ns: int | None
    """When it was changed; see `changed_ns`."""
    content: str | None
    """What tells its content from every other."""


@dataclass(frozen=True)
class Entry:
    """What the journal says of an input."""

    source: Source
    settings: Mapping[str, Any]
    """How its outputs were made, such as model and threshold."""
    kinds: frozenset[str]
    """The kinds of outputs that were written of it, or were about to be."""
    facts: Mapping[str, Any]
    """What its row tells beside its status and its files."""
    done: bool
    """Whether the outputs are complete."""


class Journal:
    """The journal of a folder, which one run at a time may have open; several threads may share it.

    Args:
        folder: the folder of the outputs, which is made where it is not there.

    Raises:
        JournalError: another run has it open, or it cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / JOURNAL
        self._lock = threading.Lock()
        try:
            make_folder(folder)
        except OSError as error:
            raise JournalError(f"{folder}: cannot be written ({error.strerror})") from error
        with self._access():
            self._database = sqlite3.connect(
                self._file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            try:
                # The lock is the system's, which a process loses when it ends. No memory is shared, so that
                # a network's file system will do. What a killed process has committed is not lost.
                self._database.executescript(
                    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                    f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;"
                )
            except BaseException:
                self._database.close()
                raise

    def close(self) -> None:
        """Let other runs have it."""
        with self._access():
            self._database.close()

    def entry(self, output: str) -> Entry | None:
        """Return what is known of the input with these outputs; None if it is nothing.

        Args:
            output: the path of its first output below the folder.
        """
        (row,) = self._select("SELECT * FROM inputs WHERE output = ?", output) or [None]
        if row is None:
            return None
        with self._access():
            _, name, size, changed, content, settings, kinds, facts, done = row
            source = Source(os.fsdecode(name), size, changed, content)
            told = [json.loads(text) for text in (settings, kinds, facts)]
            settings, kinds, facts = msgspec.convert(told, _Told)
            return Entry(source, settings, kinds, facts, bool(done))

    def unfinished(self) -> list[str]:
        """Return the outputs that were begun and not finished."""
        with self._access():
            rows = self._database.execute("SELECT output FROM inputs WHERE NOT done").fetchall()
            outputs = [os.fsdecode(output) for (output,) in rows]
            if outside := [output for output in outputs if _leads_out(output)]:
                raise ValueError(f"{outside[0]!r} leads out of the folder")
            return outputs

    def write(self, output: str, entry: Entry, pieces: Mapping[str, bytes] | None = None) -> None:
        """Write what is known of an input, with its pieces of the files of the whole run by their kinds."""
        source = entry.source
        row = (
            _stored(output),
            _stored(source.name),
            source.size,
            source.changed_ns,
            source.content,
            json.dumps(entry.settings),
            json.dumps(sorted(entry.kinds)),
            json.dumps(entry.facts),
            entry.done,
        )
        with self._access():
            self._database.execute("BEGIN")
            self._database.execute("REPLACE INTO inputs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._database.executemany(
                "REPLACE INTO pieces VALUES (?, ?, ?)",
                [(_stored(output), kind, piece) for kind, piece in (pieces or {}).items()],
            )
            self._database.execute("COMMIT")

    def pieces(self, kind: str, outputs: Iterable[str]) -> Iterator[bytes]:
        """Yield the pieces of one kind of the inputs with these outputs, of those that have one."""
        for output in outputs:
            query = "SELECT piece FROM pieces WHERE output = ? AND kind = ?"
            yield from (piece for (piece,) in self._select(query, output, kind))

    def has_pieces(self, kind: str) -> bool:
        """Tell whether there is a piece of one kind."""
        return bool(self._select("SELECT 1 FROM pieces WHERE kind = ? LIMIT 1", kind))

    def _select(self, query: str, *values: str) -> list[Any]:
        with self._access():
            return self._database.execute(query, [_stored(value) for value in values]).fetchall()

    @contextmanager
    def _access(self) -> Iterator[None]:
        """Take turns with the other threads.

        Raises:
            JournalError: SQLite fails, or a row is damaged or of another version.
        """
        try:
            with self._lock:
                yield
        except (sqlite3.Error, ValueError, TypeError, RecursionError, msgspec.ValidationError) as error:
            if "locked" in str(error):
                raise JournalError(
                    f"{self._file.parent}: another run writes into this folder; wait until it has ended, or"
                    " choose another --output"
                ) from error
            raise JournalError(
                f"{self._file}: the journal of what is done cannot be kept ({error}); choose an --output on"
                " a disk that can be written, or remove the journal and --overwrite"
            ) from error


def _leads_out(output: str) -> bool:
    path = PurePath(output)
    return path.is_absolute() or ".." in path.parts


def _stored(text: str) -> str | bytes:
    """Return a name as SQLite takes it: one that is no UTF-8 as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text
