"""Picture files as the frames of a video."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.inputs import find_pictures, is_folder, left_out
from aernet.pictures import PICTURE_SUFFIXES, read_picture

if TYPE_CHECKING:
    from aernet.video.sources.base import Frames

FPS = 25.0
"""The frames a second of pictures that have no times."""


def is_pictures(path: Path) -> bool:
    """Tell whether a path names a folder, a picture, or pictures by a glob."""
    if path.exists():
        return path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES
    return glob.has_magic(str(path))


class PictureSequence:
    """The pictures of a folder or a glob, sorted by path, at 25 frames a second; their sizes may differ.

    Raises:
        SourceError: there is no picture.
    """

    live = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.paths = find_pictures([path] if path.exists() else _matching(path))
        """The paths of the pictures, in order."""

    def frames(self) -> Frames:
        """Yield the pictures; see `Source`."""
        for index, path in enumerate(self.paths):
            yield read_picture(path), index / FPS


def _matching(pattern: Path) -> list[Path]:
    """Return the folders and the pictures that a glob matches; what else it matches is left out."""
    found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 - any path
    wanted = [path for path in found if is_folder(path) or left_out(path, PICTURE_SUFFIXES) is None]
    if not wanted:
        raise SourceError(f"{pattern}: no {'picture' if found else 'file'} matches")
    return wanted
