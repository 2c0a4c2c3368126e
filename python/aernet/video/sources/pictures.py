"""Pictures in place of a video."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.pictures import PICTURE_SUFFIXES, find_pictures, read_picture

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    import numpy.typing as npt

_FPS = 25.0


def is_pictures(path: Path) -> bool:
    """Tell whether a path names a folder, a picture, or several by a glob."""
    if path.exists():
        return path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES
    return glob.has_magic(str(path))


class PictureSequence:
    """The pictures of a folder or a glob by their paths, as if taken 25 a second; they may differ in size.

    Raises:
        SourceError: there is none.
    """

    live = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        names = [str(path)] if path.exists() else glob.glob(str(path), recursive=True)  # noqa: PTH207 - any path
        if not names:
            raise SourceError(f"{path}: no picture is called so")
        self.paths = find_pictures([Path(name) for name in sorted(names)])
        """Of the pictures."""

    def frames(self) -> Generator[tuple[npt.NDArray[np.uint8], float]]:
        """Yield the pictures; see `Source`."""
        for index, path in enumerate(self.paths):
            yield read_picture(path), index / _FPS
