"""Finds files in folders, and says what it leaves out."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.pictures import PICTURE_SUFFIXES
from aernet.pictures.dicom_folders import dicomdir_files, is_dicomdir, why_no_photograph
from aernet.pictures.dicom_header import is_dicom
from aernet.pictures.suffixes import DICOM_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

# What operating systems put beside files; it is left out as quietly as hidden files are.
_SYSTEM = {"thumbs.db", "desktop.ini", "__macosx"}

_DICOM = "DICOM file"
_EXPORT = "export it as PNG or JPEG"
_KNOWN = {
    ".pdf": ("PDF file", f"PDF is not read; {_EXPORT}"),
    **dict.fromkeys(
        (".arw", ".cr2", ".cr3", ".crw", ".dng", ".nef", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw"),
        ("camera raw file", f"camera raw is not read; {_EXPORT}"),
    ),
    **dict.fromkeys(
        (".7z", ".gz", ".rar", ".tar", ".tgz", ".zip"), ("archive", "an archive; unpack it first")
    ),
}


@dataclass(frozen=True, order=True)
class LeftOut:
    """Something in a folder that is not used."""

    path: Path
    """Where it is."""
    kind: str
    """What it is, in the singular, such as "DICOM file"; things of one kind can be counted together."""
    reason: str
    """Why it is left out, in one line without its path."""


@dataclass(frozen=True)
class Listing:
    """What is in a folder."""

    files: list[Path]
    """Each file once, sorted by path."""
    left_out: list[LeftOut]
    """What is no file that can be read, or none of the wanted kind, sorted by path."""


def find_pictures(inputs: Sequence[Path]) -> list[Path]:
    """Return the given files and the pictures in the given folders and their subfolders, each once.

    Inputs keep their order; a folder is searched as `list_folder` says, a DICOMDIR as `list_dicomdir`. A file
    that is an input itself counts as a picture whatever its suffix.

    Raises:
        SourceError: an input does not exist or cannot be read, or a folder holds no picture.
    """
    found: dict[Path, Path] = {}
    for source in inputs:
        if is_dicomdir(source):
            listing = list_dicomdir(source)
        elif is_folder(source):
            listing = list_folder(source, PICTURE_SUFFIXES)
        else:
            found.setdefault(source.resolve(), source)
            continue
        if not listing.files:
            raise SourceError(nothing_in(source, "picture", PICTURE_SUFFIXES, listing.left_out))
        for file in listing.files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def is_folder(path: Path) -> bool:
    """Tell whether an input is a folder; if not, it is a file.

    Raises:
        SourceError: there is nothing of that name, or it cannot be read.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        if path.is_symlink():
            raise SourceError(f"{path}: {_dangling(path)}") from None
        raise SourceError(f"{path}: no such file or folder") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def list_folder(folder: Path, suffixes: Collection[str]) -> Listing:
    """Return the files of a folder and its subfolders that have one of these suffixes, and DICOM photographs.

    Hidden files and folders do not count. Links are followed, but no file or folder is taken twice: it is
    taken under the name that it has without a link, if it has one in `folder`.

    Args:
        folder: the folder to search.
        suffixes: the suffixes, in lower case.

    Raises:
        SourceError: `folder` itself cannot be read.
    """
    everything = list_files(folder)
    others = {path: found for path in everything.files if (found := left_out(path, suffixes))}
    files = [path for path in everything.files if path not in others]
    return Listing(files, sorted([*everything.left_out, *others.values()]))


def list_dicomdir(path: Path) -> Listing:
    """Return the photographs among the images that a DICOMDIR names.

    Raises:
        SourceError: the DICOMDIR cannot be read.
    """
    reasons = {file: why_no_photograph(file) for file in dicomdir_files(path)}
    others = [LeftOut(file, _DICOM, reason) for file, reason in reasons.items() if reason]
    return Listing(sorted(file for file, reason in reasons.items() if not reason), sorted(others))


def list_files(folder: Path) -> Listing:
    """Return all files of a folder and its subfolders, found as `list_folder` says.

    Raises:
        SourceError: `folder` itself cannot be read.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise SourceError(f"{folder}: cannot be read ({error.strerror})") from error
    search = _Search()
    search.walk(folder, folder.resolve())
    search.follow_links()
    return Listing(sorted(search.files.values()), sorted(search.left_out))


def nothing_in(folder: Path, wanted: str, suffixes: Collection[str], left_out: Sequence[LeftOut]) -> str:
    """Return the message that a folder holds nothing of the wanted kind, and what it holds instead."""
    instead = f"; it holds {', '.join(count_kinds(left_out))}" if left_out else ""
    return f"{folder}: the folder holds no {wanted} ({' '.join(suffixes)}){instead}"


def count_kinds(left_out: Sequence[LeftOut]) -> list[str]:
    """Return how much was left out of each kind, such as "3 DICOM files"."""
    counts = Counter(thing.kind for thing in left_out)
    return [f"{count} {_plural(kind) if count > 1 else kind}" for kind, count in counts.items()]


def _plural(kind: str) -> str:
    noun, without, what = kind.partition(" without")
    return f"{noun}s{without}{what}"


class _Search:
    """Walks through folders; links wait until the rest is found, so that what they lead to is known."""

    def __init__(self) -> None:
        self.files: dict[Path, Path] = {}
        """The files by their paths without links."""
        self.left_out: list[LeftOut] = []
        self._folders: set[Path] = set()
        self._links: list[Path] = []

    def walk(self, folder: Path, real: Path) -> None:
        """Take what is in a folder, whose path without links is `real`."""
        waiting = [(folder, real)]
        while waiting:
            folder, real = waiting.pop()
            self._folders.add(real)
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.name for entry in entries)
            except OSError as error:
                self._leave_out(folder, "unreadable folder", f"cannot be read ({error.strerror})")
                continue
            for name in names:
                path = folder / name
                if name.startswith(".") or name.lower() in _SYSTEM:
                    continue
                try:
                    mode = path.lstat().st_mode
                except OSError as error:
                    self._leave_out(path, "unreadable file", f"cannot be read ({error.strerror})")
                    continue
                if stat.S_ISLNK(mode):
                    self._links.append(path)
                elif not stat.S_ISDIR(mode):
                    self._take(path, real / name, mode)
                elif real / name not in self._folders:
                    waiting.append((path, real / name))

    def follow_links(self) -> None:
        """Take what the links lead to, and what is behind the links there."""
        while self._links:
            # Those to files come first: a file is best found in its own right.
            links = sorted(self._links, key=lambda path: (os.path.isdir(path), path))  # noqa: PTH112 - never raises
            self._links = []
            for link in links:
                self._follow(link)

    def _follow(self, link: Path) -> None:
        try:
            real = link.resolve(strict=True)
            mode = real.stat().st_mode
        except FileNotFoundError:
            self._leave_out(link, "dangling link", _dangling(link))
        except (OSError, RuntimeError) as error:  # before Python 3.13 a circle of links is a RuntimeError
            reason = getattr(error, "strerror", None) or "it leads back to itself"
            self._leave_out(link, "dangling link", f"a link that cannot be followed ({reason})")
        else:
            if real in self._folders or real in self.files:
                found = self.files.get(real, real)
                self._leave_out(link, "repeated link", f"a link to {found}, which is taken already")
            elif stat.S_ISDIR(mode):
                self.walk(link, real)
            else:
                self._take(link, real, mode)

    def _take(self, path: Path, real: Path, mode: int) -> None:
        if stat.S_ISREG(mode):
            self.files.setdefault(real, path)
        else:
            self._leave_out(path, "special file", "a pipe, a socket or a device, not a file with content")

    def _leave_out(self, path: Path, kind: str, reason: str) -> None:
        self.left_out.append(LeftOut(path, kind, reason))


def _dangling(link: Path) -> str:
    return f"a link to {os.readlink(link)}, which is not there"  # noqa: PTH115 - as it is written


def left_out(path: Path, suffixes: Collection[str]) -> LeftOut | None:
    """Say why a file is left out, None if it is taken: its suffix is wanted, or it is a DICOM photograph."""
    suffix = path.suffix.lower()
    is_wanted = suffix in suffixes
    if (suffix in DICOM_SUFFIXES or not is_wanted) and is_dicom(path):
        if is_dicomdir(path):
            return LeftOut(path, "DICOMDIR", "an index of DICOM files, which are found without it")
        reason = why_no_photograph(path)
        return LeftOut(path, _DICOM, reason) if reason else None
    return None if is_wanted else LeftOut(path, *_described(suffix))


def _described(suffix: str) -> tuple[str, str]:
    """Return the kind of a file whose suffix is none of those wanted, and why it is left out."""
    if suffix:
        return _KNOWN.get(suffix, (f"{suffix} file", f"files with the suffix {suffix} are not read"))
    return "file without suffix", "no suffix tells what it is; name the file itself to have it read"
