"""Picture files as the frames of a video."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.inputs import find_pictures
from aernet.pictures import PICTURE_SUFFIXES, read_picture

if TYPE_CHECKING:
    from aernet.video.sources.base import Frames


_FPS = 25.0


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
        names = [str(path)] if path.exists() else glob.glob(str(path), recursive=True)  # noqa: PTH207 - any path
        if not names:
            raise SourceError(f"{path}: no file matches")
        self.paths = find_pictures([Path(name) for name in sorted(names)])
        """The paths of the pictures, in order."""

    def frames(self) -> Frames:
        """Yield the pictures; see `Source`."""
        for index, path in enumerate(self.paths):
            yield read_picture(path), index / _FPS
