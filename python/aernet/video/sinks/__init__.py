"""Sinks, which take the results of a pipeline; `base` explains how to write one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.errors import AernetError
from aernet.video.sinks.base import Sink
from aernet.video.sinks.masks import MaskPictures
from aernet.video.sinks.recording import MaskVideo, Recording
from aernet.video.sinks.track import Track

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MaskPictures", "MaskVideo", "Recording", "Sink", "Track", "open_recording"]


def open_recording(path: Path) -> Sink:
    """Return the sink for a path: .mp4 records the overlay, .mkv the masks, a folder the masks as PNG.

    Raises:
        AernetError: the path has another suffix, or cannot be written.
    """
    match path.suffix.lower():
        case ".mp4":
            return Recording(path)
        case ".mkv":
            return MaskVideo(path)
        case "":
            return MaskPictures(path)
    raise AernetError(
        f"{path}: expected .mp4 (the overlay), .mkv (the masks without loss), or a folder (masks as PNG)"
    )
