"""Decoding by FFmpeg through PyAV, for video files and network streams."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.errors import SourceError
from aernet.video.libav import import_av

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from aernet.arrays import HostImage

_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    -90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    -180: cv2.ROTATE_180,
}


@contextmanager
def opened_video(address: str, name: str, **how: Any) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open an address as `av.open` does, and yield the container and its first video stream.

    Raises:
        SourceError: the address cannot be opened, holds no video, or breaks off.
    """
    av = import_av(name)
    try:
        with av.open(address, metadata_errors="replace", **how) as container:
            cover = av.stream.Disposition.attached_pic
            moving = [stream for stream in container.streams.video if not stream.disposition & cover]
            if not moving:
                kinds = ", ".join(stream.type for stream in container.streams) or "nothing"
                raise SourceError(f"{name}: holds no video, only {kinds}")
            yield container, moving[0]
    except av.FFmpegError as error:
        raise SourceError(f"{name}: cannot be read as video ({error.strerror})") from None


def to_picture(frame: VideoFrame, name: str) -> HostImage:
    """Return a frame as uint8 BGR, H x W x 3, rotated as its stream says.

    Raises:
        SourceError: the frame has more than 8 bits a channel.
    """
    bits = max(component.bits for component in frame.format.components)
    if bits > 8:
        raise SourceError(
            f"{name}: expected 8 bits a channel, found {bits} ({frame.format.name}); convert it to 8"
        )
    picture = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    turn = _TURNS.get(frame.rotation)
    return picture if turn is None else np.asarray(cv2.rotate(picture, turn), np.uint8)
