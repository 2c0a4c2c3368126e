"""Sinks that record videos: the frames with the lesion outlined, and the masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.video.overlay import draw_overlay
from aernet.video.writing import FFV1, H264, VideoWriter

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.arrays import HostImage
    from aernet.video.result import VideoResult


class Recording:
    """Writes the frames with the lesion outlined as H.264 in MP4, which browsers play.

    Raises:
        AernetError: the file cannot be written, or PyAV is not installed.
    """

    every = True
    encoding = H264

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._writer = VideoWriter(path, self.encoding)

    def picture(self, result: VideoResult) -> HostImage:
        """Return the picture that is written for a result."""
        return draw_overlay(result)

    def write(self, result: VideoResult) -> None:
        """Add a picture.

        Raises:
            AernetError: the file cannot be written; the pictures before stay playable.
        """
        self._writer.add(self.picture(result), result.timestamp)

    def close(self) -> None:
        """Finish the file.

        Raises:
            AernetError: the end of the file cannot be written.
        """
        self._writer.close()


class MaskVideo(Recording):
    """Writes the masks without loss, FFV1 in Matroska: gray, 0 or 255; errors are those of `Recording`."""

    encoding = FFV1

    def picture(self, result: VideoResult) -> HostImage:
        """Return the mask of a result."""
        return result.segmentation.mask
