"""Folders and zip files, read alike."""

from __future__ import annotations

import os
import re
import struct
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from aernet.errors import SourceError
from aernet.inputs import list_files

LARGEST_PICTURE = 1 << 28
"""Bytes beyond which a file is not read as a picture; 16384 x 4096 pixels take fewer without compression."""

_STEP = 1 << 12
_DRIVE = re.compile(r"[A-Za-z]:")


class Folder:
    """The files of a folder and its subfolders."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """Return the names of the files, relative to the folder, with slashes.

        Raises:
            SourceError: the folder or one of its subfolders cannot be read.
        """
        listing = list_files(self.path)
        for thing in listing.left_out:
            if thing.kind == "unreadable folder":
                raise SourceError(f"{thing.path}: {thing.reason}")
        return [file.relative_to(self.path).as_posix() for file in listing.files]

    def data(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            SourceError: it cannot be read, or is larger than any picture.
        """
        path = self.path / name
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_PICTURE + 1)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
        if len(data) > LARGEST_PICTURE:
            raise _too_large(str(path), path.stat().st_size)
        return data


class Zip:
    """A zip file that each thread of each process opens for itself, because an open file has one position."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = threading.local()

    def __reduce__(self) -> tuple[type[Zip], tuple[Path]]:
        return Zip, (self.path,)

    def names(self) -> list[str]:
        """Return the names of the files, with slashes; none leads out of the zip file.

        Raises:
            SourceError: it is not a whole zip file, is encrypted, or has names that lead out of it.
        """
        # An entry without a name is nothing that can be asked for.
        entries = [entry for entry in self._file().infolist() if entry.filename and not entry.is_dir()]
        if any(entry.flag_bits & 1 for entry in entries):
            raise SourceError(
                f"{self.path}: is encrypted; unpack it with its password, and give the folder instead"
            )
        outside = [entry.filename for entry in entries if _leads_out(entry.filename)]
        if outside:
            raise SourceError(
                f"{self.path}: {len(outside)} of its {len(entries)} names lead out of it, such as "
                f"{outside[0]}; make it again with names relative to its folder"
            )
        return [_with_slashes(entry.filename) for entry in entries]

    def data(self, name: str) -> bytes:
        """Return the content of a file; no more is unpacked than a picture may have.

        Raises:
            SourceError: it cannot be read, or is larger than any picture.
        """
        named = f"{self.path}/{name}"
        file = self._file()
        try:
            entry = file.getinfo(name if name in file.NameToInfo else _as_stored(file, name))
            if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                # zipfile would unpack 4096 bytes of the other methods to gigabytes at once.
                raise SourceError(
                    f"{named}: packed by another method than Deflate; make the zip file with that"
                )
            if entry.file_size > LARGEST_PICTURE:
                raise _too_large(named, entry.file_size)
            with file.open(entry) as opened:
                # In small steps, as zipfile unpacks all of a step before it looks at the declared size.
                return b"".join(iter(lambda: opened.read(_STEP), b""))
        except (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(f"{named}: cannot be read from the zip file ({error})") from error

    def _file(self) -> zipfile.ZipFile:
        if getattr(self._opened, "process", None) != os.getpid():
            try:
                self._opened.file = zipfile.ZipFile(self.path)
            except OSError as error:
                raise SourceError(f"{self.path}: cannot be read ({error.strerror})") from error
            except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
                raise SourceError(f"{self.path}: not a whole zip file ({error}); copy it again") from error
            self._opened.process = os.getpid()
        file: zipfile.ZipFile = self._opened.file
        return file


Container: TypeAlias = "Folder | Zip"


def open_container(path: Path) -> Container:
    """Return a folder or a zip file, which is opened when it is read.

    Raises:
        SourceError: there is no such folder or file.
    """
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Zip(path)
    raise SourceError(f"{path}: no such folder or zip file")


def _too_large(name: str, size: int) -> SourceError:
    return SourceError(
        f"{name}: {size / 1e9:.3g} GB are too large for a picture;"
        f" expected {LARGEST_PICTURE / 1e9:.2g} GB at most"
    )


def _with_slashes(name: str) -> str:
    """Return the name of an entry as the format has it (APPNOTE 4.4.17); some programs write backslashes."""
    return name.replace("\\", "/")


def _as_stored(file: zipfile.ZipFile, name: str) -> str:
    return next(stored for stored in file.namelist() if _with_slashes(stored) == name)


def _leads_out(name: str) -> bool:
    path = PurePosixPath(_with_slashes(name))
    return path.is_absolute() or ".." in path.parts or bool(_DRIVE.match(name))
