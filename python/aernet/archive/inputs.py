"""What inputs name: files, folders, globs, the standard input and addresses on the web."""

from __future__ import annotations

import glob
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from aernet.archive.download import download
from aernet.archive.outputs import input_of
from aernet.errors import SourceError
from aernet.inputs import LeftOut, count_kinds, is_folder, list_dicomdir, list_folder
from aernet.pairs import mask_id
from aernet.pictures import PICTURE_SUFFIXES
from aernet.pictures.dicom_folders import is_dicomdir
from aernet.video.sources.network import without_password
from aernet.video.sources.videofile import VIDEO_SUFFIXES, is_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aernet.archive.watching import Watch

STDIN = "-"
"""The input that stands for a picture on the standard input."""

LARGEST_DOWNLOAD = 2 << 30
"""Bytes of a picture or video beyond which it is not taken from the web or the standard input."""

_CHUNK = 1 << 20
_FILMS = {*VIDEO_SUFFIXES} - {*PICTURE_SUFFIXES}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)|data(?=:)")
_LONGEST_NAME = 200
_EMPTY = "folder without pictures"


@dataclass(frozen=True)
class Input:
    """One picture or video."""

    name: str
    """What messages and records call it: its path or address, or "stdin"."""
    below: Path
    """Its path below the input that it was found through; its name, for an input that is no folder."""
    root: Path
    """Where that input lies, to tell apart what else would be called the same; absolute, without links."""
    address: str = ""
    """Its address, if it comes from the web, or `STDIN`; empty for a file."""

    @cached_property
    def is_video(self) -> bool:
        """Whether it counts as a video; from the web, by its suffix alone."""
        if not self.address:
            return is_video(Path(self.name))
        suffix = self.below.suffix.lower()
        return suffix in VIDEO_SUFFIXES and suffix not in PICTURE_SUFFIXES

    @property
    def is_from_the_web(self) -> bool:
        """Whether it has to be fetched."""
        return self.address not in {"", STDIN}

    @contextmanager
    def opened(self, watch: Watch) -> Iterator[Path]:
        """Yield a file with its content, which is a temporary one for what is no file.

        Raises:
            SourceError: it cannot be fetched, or is too large.
        """
        if not self.address:
            yield Path(self.name)
            return
        with TemporaryDirectory(prefix="aernet-") as folder:
            file = Path(folder) / self.below
            if self.address == STDIN:
                _copy_stdin(file)
            else:
                download(self.address, self.name, file, LARGEST_DOWNLOAD, watch)
            yield file


class Found(NamedTuple):
    """What inputs name."""

    files: list[Input]
    """The pictures and videos, each once."""
    left_out: list[LeftOut]
    """What was left out of folders."""
    failed: dict[str, SourceError]
    """The inputs that name nothing which can be read, and why."""


def find_inputs(inputs: Sequence[str], earlier: Callable[[Path], bool]) -> Found:
    """Find the pictures and videos that the inputs name.

    Inputs keep their order, and a folder's files are sorted by path. A file that is an input itself is taken
    whatever its suffix. A file that is reached in several ways is taken under its own name instead of that of
    a link, and with its longest path below an input.

    Args:
        inputs: paths, globs that no shell has expanded, `STDIN`, or addresses.
        earlier: tells the outputs of earlier runs in a folder, which do not count.
    """
    found: dict[Path | str, Input] = {}
    left_out: list[LeftOut] = []
    failed: dict[str, SourceError] = {}
    for text in inputs:
        try:
            _find(text, earlier, found, left_out)
        except SourceError as error:  # noqa: PERF203 - the others count all the same
            failed[text] = error
    return Found(list(found.values()), sorted(set(left_out)), failed)


def _find(
    text: str, earlier: Callable[[Path], bool], found: dict[Path | str, Input], left_out: list[LeftOut]
) -> None:
    """Add what an input names.

    Raises:
        SourceError: it does not exist, is an address that is neither http nor https, or is a folder that
            cannot be read.
    """
    if text == STDIN:
        found.setdefault(text, Input("stdin", Path("stdin"), Path("/"), STDIN))
    elif (scheme := _SCHEME.match(text)) and not os.path.exists(text):  # noqa: PTH110 - never raises
        found.setdefault(text, _web_input(text, scheme.group().lower()))
    else:
        for source in _paths(text):
            for item in _files(source, earlier, left_out):
                _add(item, found, left_out)


def nothing_found(inputs: Sequence[str], left_out: Sequence[LeftOut]) -> SourceError:
    """Return the error that the inputs, which are folders, hold no picture and no video."""
    where = inputs[0] if len(inputs) == 1 else f"{inputs[0]} and {len(inputs) - 1} more"
    instead = [thing for thing in left_out if thing.kind != _EMPTY]
    such_as = f"; it holds {', '.join(count_kinds(instead))}" if instead else ""
    suffixes = " ".join((*PICTURE_SUFFIXES, *VIDEO_SUFFIXES))
    return SourceError(f"{where}: the folder holds no picture and no video ({suffixes}){such_as}")


def _add(item: Input, found: dict[Path | str, Input], left_out: list[LeftOut]) -> None:
    """Add a file, unless it was found already: then keep the better way to it."""
    real = Path(item.name).resolve()
    first = found.setdefault(real, item)
    kept = min(
        (first, item), key=lambda one: (one.below.name != real.name, -len(one.below.parts), str(one.below))
    )
    found[real] = kept
    if first.below.name != item.below.name:
        dropped = item if kept is first else first
        reason = f"a link to {kept.name}, which is taken already"
        left_out.append(LeftOut(Path(dropped.name), "repeated link", reason))


def _paths(text: str) -> list[Path]:
    """Return the path that a text names, or those that match it as a glob."""
    path = Path(text)
    if not glob.has_magic(text) or os.path.exists(text):  # noqa: PTH110 - never raises
        return [path]
    matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - any path
    if not matches:
        raise SourceError(f"{text}: no file matches")
    return [Path(match) for match in matches]


def _files(source: Path, earlier: Callable[[Path], bool], left_out: list[LeftOut]) -> Iterator[Input]:
    """Yield each file of an input; note what is left out of a folder."""
    if is_dicomdir(source):
        listing = list_dicomdir(source)
        source = source.parent
    elif is_folder(source):
        listing = list_folder(source, (*PICTURE_SUFFIXES, *VIDEO_SUFFIXES))
    else:
        yield Input(str(source), Path(source.name), source.resolve().parent)
        return
    left_out += [thing for thing in listing.left_out if not earlier(thing.path)]
    names = {name for path in listing.files for name in (path.stem, path.name)}
    outputs = [
        path
        for path in listing.files
        if input_of(path) in names and (earlier(path) or mask_id(PurePosixPath(path.name)) is None)
    ]
    left_out += [
        LeftOut(path, "earlier output", "an output for another file here; name it to segment it")
        for path in outputs
        if not earlier(path)
    ]
    left_out += [
        LeftOut(
            path,
            "possible output",
            "it lies in the output folder and is called like an output; name it to segment it",
        )
        for path in listing.files
        if earlier(path) and path not in outputs
    ]
    candidates = [path for path in listing.files if not earlier(path) and path not in outputs]
    others = [path for path in candidates if path.suffix.lower() in _FILMS and not is_video(path)]
    left_out += [
        LeftOut(path, f"{path.suffix} file without a video", "its content is no video; name it to try it")
        for path in others
    ]
    candidates = [path for path in candidates if path not in others]
    stems = {path.stem for path in candidates}
    masks = [path for path in candidates if mask_id(PurePosixPath(path.name)) in stems]
    left_out += [
        LeftOut(path, "expert mask", "the mask of another picture; name it to segment it") for path in masks
    ]
    files = [path for path in candidates if mask_id(PurePosixPath(path.name)) not in stems]
    if not files:
        left_out.append(LeftOut(source, _EMPTY, "it holds no picture and no video"))
    root = source.resolve()
    for path in files:
        yield Input(str(path), path.relative_to(source), root)


def _web_input(address: str, scheme: str) -> Input:
    name = without_password(address)
    if scheme not in {"http", "https"}:
        raise SourceError(
            f"{name[:100]}: {scheme} is no address that is fetched; expected http or https, or a file"
        )
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise SourceError(f"{name[:100]}: is no address ({error})") from None
    folders = PurePosixPath(unquote(parts.path)).parts[1:]
    safe = [_safe(part) for part in (parts.hostname or "", *folders)]
    below = Path(safe.pop() if folders else "download")
    return Input(name, below, Path("/", *safe), address)


def _safe(part: str) -> str:
    """Return a part of an address as a part of a path that leads nowhere else."""
    return re.sub(r"[/\\:\0]", "_", part)[-_LONGEST_NAME:].lstrip(".") or "_"


def _copy_stdin(file: Path) -> None:
    if sys.stdin is None:
        raise SourceError("stdin: is closed; give a picture to it, as with '< picture.jpg'")
    size = 0
    with file.open("wb") as copy:
        while data := sys.stdin.buffer.read(_CHUNK):
            size += len(data)
            if size > LARGEST_DOWNLOAD:
                raise SourceError(f"stdin: is larger than {LARGEST_DOWNLOAD / 1e9:.2g} GB")
            copy.write(data)
