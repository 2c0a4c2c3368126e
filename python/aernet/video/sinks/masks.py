"""A sink that writes each mask as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.pictures import write_png

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.video.result import VideoResult


class MaskPictures:
    """Writes each mask into a folder as `000000.png`, numbered as the source's frames are."""

    every = True

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def write(self, result: VideoResult) -> None:
        """Write a mask.

        Raises:
            AernetError: the file cannot be written.
        """
        write_png(mask_path(self._folder, result.frame_index), result.segmentation.mask)

    def close(self) -> None:
        """Do nothing: each mask is a file of its own, already complete."""


def mask_path(folder: Path, index: int) -> Path:
    """Return the path of frame `index`'s mask."""
    return folder / f"{index:06}.png"
