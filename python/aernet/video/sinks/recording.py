"""Sinks that record videos: the frames with the lesion outlined, and the masks."""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING

from aernet.video.overlay import draw_overlay
from aernet.video.writing import FFV1, H264, VideoWriter

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.video.result import VideoResult

_log = logging.getLogger(__name__)


class Recording:
    """Writes the frames with the lesion outlined as H.264 in MP4, which browsers play.

    Frames of another size than the first are scaled into its size, with black bars, and a warning tells.

    Raises:
        AernetError: the file cannot be written, or PyAV is not installed.
    """

    every = True

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._writer = VideoWriter(path, H264)
        self._shape: tuple[int, ...] | None = None
        self._warned = False

    def write(self, result: VideoResult) -> None:
        """Add a picture.

        Raises:
            AernetError: the file cannot be written; the pictures before stay playable.
        """
        picture = draw_overlay(result)
        self._shape = self._shape or picture.shape
        if picture.shape != self._shape and not self._warned:
            self._warned = True
            _log.warning(
                "%s: frames of %s are scaled to %s, the size of the first",
                self.name,
                _size(picture.shape),
                _size(self._shape),
            )
        self._writer.add(picture, result.timestamp)

    def close(self) -> None:
        """Finish the file.

        Raises:
            AernetError: the end of the file cannot be written.
        """
        self._writer.close()


class MaskVideo:
    """Writes the masks without loss, FFV1 in Matroska: gray, 0 or 255.

    Where the masks change their size, they go on in another file beside it, and a warning names it.

    Raises:
        AernetError: the file cannot be written, or PyAV is not installed.
    """

    every = True

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._writer = VideoWriter(path, FFV1)
        self._shape: tuple[int, ...] | None = None

    def write(self, result: VideoResult) -> None:
        """Add a mask.

        Raises:
            AernetError: the file cannot be written; the masks before stay playable.
        """
        mask = result.segmentation.mask
        if self._shape not in {None, mask.shape}:
            self._writer.close()
            path = self._unused_path()
            self._writer = VideoWriter(path, FFV1)
            size = _size(mask.shape)
            _log.warning("%s: the masks are now %s, and go on in %s", self.name, size, path)
        self._shape = mask.shape
        self._writer.add(mask, result.timestamp)

    def close(self) -> None:
        """Finish the file.

        Raises:
            AernetError: the end of the file cannot be written.
        """
        self._writer.close()

    def _unused_path(self) -> Path:
        paths = (self._path.with_stem(f"{self._path.stem}_{number}") for number in count(2))
        return next(path for path in paths if not path.exists())


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
