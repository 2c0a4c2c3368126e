"""Video files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.video.sources.decoding import opened_video, to_frame

VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
"""Suffixes, in lower case, of the files that count as videos where pictures are accepted too."""

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.video.sources.base import Frames


class VideoFile:
    """Every frame of a video file, in order, with its presentation time."""

    live = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)

    def count(self) -> int | None:
        """Return the approximate number of frames; None where the file does not say.

        Raises:
            SourceError: the file is not a video.
        """
        with opened_video(self.name, self.name) as (container, stream):
            if stream.frames:
                return int(stream.frames)
            if container.duration and stream.average_rate:
                return round(container.duration / 1e6 * stream.average_rate)
            return None

    def frames(self) -> Frames:
        """Yield the frames; see `Source`."""
        shape: tuple[int, ...] = ()
        with opened_video(self.name, self.name) as (container, stream):
            stream.thread_type = "AUTO"
            for index, frame in enumerate(container.decode(stream)):
                picture = to_frame(frame, self.name)
                shape = shape or picture.shape[:2]
                if picture.shape[:2] != shape:
                    sizes = [f"{width} x {height}" for height, width in (shape, picture.shape[:2])]
                    raise SourceError(
                        f"{self.name}: the frames change from {sizes[0]} to {sizes[1]} at frame {index}; "
                        "cut it there, or scale them to one size"
                    )
                yield picture, index / float(stream.average_rate or 25) if frame.pts is None else frame.time
        if not shape:
            raise SourceError(f"{self.name}: holds no frame")
