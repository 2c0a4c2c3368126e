"""Decoding by FFmpeg through PyAV, for video files and network streams."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.errors import SourceError
from aernet.nv12 import Nv12Frame
from aernet.video.frame import usual_matrix
from aernet.video.libav import import_av

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av import VideoFrame
    from av.container import InputContainer
    from av.video.plane import VideoPlane
    from av.video.stream import VideoStream

    from aernet.arrays import HostImage
    from aernet.nv12 import Matrix

_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    -90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    -180: cv2.ROTATE_180,
}


_SUBSAMPLED = ("yuv420p", "yuvj420p", "nv12")
# Codes of ITU-T H.273, which FFmpeg uses.
_MATRICES: dict[int, Matrix] = {1: "bt709", 5: "bt601", 6: "bt601"}
_UNSTATED, _FULL = 2, 2


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


def to_frame(frame: VideoFrame, name: str) -> HostImage | Nv12Frame:
    """Return a decoded frame, rotated as its stream says.

    Returns:
        An `Nv12Frame` where the decoder gives 4:2:0 in BT.601 or BT.709; else uint8 BGR, H x W x 3.

    Raises:
        SourceError: the frame has more than 8 bits a channel.
    """
    bits = max(component.bits for component in frame.format.components)
    if bits > 8:
        raise SourceError(
            f"{name}: expected 8 bits a channel, found {bits} ({frame.format.name}); convert it to 8"
        )
    turn = _TURNS.get(frame.rotation)
    matrix = usual_matrix(frame.height) if frame.colorspace == _UNSTATED else _MATRICES.get(frame.colorspace)
    # Turning a frame with an odd side would move its chroma against its luma.
    odd_turn = turn is not None and (frame.width % 2 or frame.height % 2)
    if frame.format.name not in _SUBSAMPLED or matrix is None or odd_turn:
        return _turned(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), turn)
    luma, *chroma = map(_plane, frame.planes)
    if len(chroma) == 2:
        pairs = np.asarray(cv2.merge([plane[:, : frame.planes[1].width] for plane in chroma]), np.uint8)
    else:
        pairs = chroma[0].reshape(chroma[0].shape[0], -1, 2)[:, : frame.planes[1].width].copy()
    full_range = frame.format.name == "yuvj420p" or frame.color_range == _FULL
    return Nv12Frame(_turned(luma[:, : frame.width].copy(), turn), _turned(pairs, turn), matrix, full_range)


def _plane(plane: VideoPlane) -> HostImage:
    """Return the bytes of a plane in the decoder's memory, with the padding of its rows."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]


def _turned(picture: HostImage, turn: int | None) -> HostImage:
    return picture if turn is None else np.asarray(cv2.rotate(picture, turn), np.uint8)
