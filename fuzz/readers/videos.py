"""Video files, up to a number of frames."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

import av

from aernet.video.sources.videofile import VideoFile, is_video
from readers.pictures import noise

if TYPE_CHECKING:
    from pathlib import Path

_MOST_FRAMES = 20

_KINDS = {
    "mp4": ("mpeg4", "yuv420p"),
    "avi": ("mjpeg", "yuvj420p"),
    "mkv": ("ffv1", "yuv420p"),
    "webm": ("libvpx", "yuv420p"),
    "ts": ("mpeg2video", "yuv420p"),
    "gif": ("gif", "rgb8"),
    "y4m": ("rawvideo", "yuv420p"),
}


def read(data: bytes, folder: Path) -> None:
    file = folder / "film.mkv"  # FFmpeg goes by the content
    file.write_bytes(data)
    is_video(file)
    film = VideoFile(file)
    film.count()
    for picture, seconds in islice(film.frames(), _MOST_FRAMES):
        assert picture is None or seconds is not None


def seeds() -> dict[str, bytes]:
    return {suffix: _film(suffix, *kind) for suffix, kind in _KINDS.items()}


def _film(suffix: str, codec: str, layout: str) -> bytes:
    file = io.BytesIO()
    container_format = {"mkv": "matroska", "ts": "mpegts", "y4m": "yuv4mpegpipe"}.get(suffix, suffix)
    with av.open(file, "w", format=container_format) as container:
        stream = container.add_stream(codec, Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 32, 16, layout
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(noise(16, 32, seed=index), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()
