"""Writes files that are either complete or absent."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from aernet.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}(\.\w+)?")  # the names that `replacing` gives


def in_unicode(name: str) -> str:
    """Return a name as other programs can read it: its bytes that are no UTF-8 are written out."""
    return name.encode(errors="backslashreplace").decode()


def changed_ns(status: os.stat_result) -> int:
    """Return when a file was changed last, in nanoseconds: its content, its name or its time.

    A file that is put in another's place with the time and size of that one has its own; on Windows, where
    the second time is that of the file's making, and on file systems without it, the first alone counts.
    """
    return max(status.st_mtime_ns, status.st_ctime_ns)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 digest of a file of any size as hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are not there.

    Raises:
        OSError: it cannot be made; where a file is in the way, `strerror` names that.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next((path for path in (folder, *folder.parents) if path.is_file()), folder)
        raise type(error)(error.errno, f"{file} is a file, not a folder") from error


def require_writable(folder: Path) -> None:
    """Make a folder where it is not there, and see that a file can be written into it.

    Raises:
        OutputError: none can.
    """
    try:
        make_folder(folder)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error


def require_writable_file(path: Path) -> None:
    """See that a file can be written under this name, and make its folder where it is not there.

    Raises:
        OutputError: it cannot.
    """
    if path.is_dir():
        raise OutputError(f"{path}: cannot be written, it is a folder; give the name of a file")
    try:
        require_writable(path.parent)
    except OutputError as error:
        raise OutputError(str(error).replace(str(path.parent), str(path), 1)) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with its suffix, that replaces `path` if the block succeeds.

    The folder is made if needed. If the block fails or is interrupted, `path` stays as it was and the
    temporary file is removed.

    Raises:
        OutputError: `path` cannot be written.
    """
    # Without the stem, so that a name of any length that the file system allows can be written.
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        make_folder(path.parent)
        try:
            temporary.touch(exist_ok=False)
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def take_unused(folder: Path, names: Iterable[str]) -> Path:
    """Make an empty file under the first of some names that is not taken in a folder, and return its path.

    Nothing that is there is written over, not even what another process puts there at this moment, and no
    link is followed.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        make_folder(folder)
        for path in (folder / name for name in names):
            with suppress(FileExistsError):
                path.open("xb").close()
                return path
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error
    raise OutputError(f"{folder}: all names are taken")


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `folder`, absent or empty, if the block succeeds.

    If the block fails or is interrupted, nothing is left of it.

    Raises:
        OutputError: `folder` holds something, is a file, or cannot be written.
    """
    folder = folder.resolve()
    temporary = folder.with_name(f".{secrets.token_hex(8)}")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(
                f"{folder}: holds files already; name an empty folder, or one that is not there"
            )
        try:
            make_folder(temporary)
            yield temporary
            if folder.exists():
                folder.rmdir()  # which some systems do not replace
            temporary.replace(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error


class LineFile:
    """A new file of lines in UTF-8, each of which is there at once, and whole or not at all.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)

    def write(self, line: str) -> None:
        """Add a line.

        Raises:
            OSError: it cannot be written; the lines before it stay.
        """
        content = line.encode()
        begin = self._file.tell() if self._file.seekable() else None
        written = 0
        try:
            written = self._file.write(content)
        finally:
            if written != len(content) and begin is not None:
                with suppress(OSError):  # of a device
                    self._file.truncate(begin)
                    self._file.seek(begin)
        if written != len(content):  # there was room for a part
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8; see `replacing`.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Remove a file or folder, if there is one.

    Raises:
        OutputError: it cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be removed ({error.strerror or error})") from error


def remove_remains(folder: Path) -> None:
    """Remove the temporary files of `replacing` that a killed process left; nothing may be writing there.

    Raises:
        OutputError: one cannot be removed.
    """
    if folder.is_dir():
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name):
                remove(path)
