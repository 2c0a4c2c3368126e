"""Video files that grow frame by frame."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.errors import OutputError
from aernet.files import make_folder
from aernet.video.libav import import_av

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from aernet.arrays import HostImage


_CLOCK = 90000  # ticks a second, as is usual in video
_KEY_SECONDS = 1.0  # longest time between key frames, to which players can jump
_BT709, _SMPTE170M, _LIMITED = 1, 6, 1  # colour codes of ITU-T H.273


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pictures are encoded in a file."""

    codec: str
    layout: str
    """Pixel layout, by FFmpeg's name."""
    options: Mapping[str, str]
    """Options of the codec."""
    container: Mapping[str, str]
    """Options of the file format."""


H264 = Encoding(
    codec="libx264",
    layout="yuv420p",
    options={"preset": "ultrafast", "tune": "zerolatency", "qp": "25", "forced-idr": "1"},
    container={
        # Fragments can be played while the file grows; closing it adds the index of an ordinary MP4.
        "movflags": "frag_keyframe+empty_moov+default_base_moof+hybrid_fragmented",
        "frag_duration": "250000",  # microseconds
        "flush_packets": "1",
    },
)
"""BGR pictures in MP4, which browsers play; the file stays playable if writing breaks off."""

FFV1 = Encoding(codec="ffv1", layout="gray", options={}, container={"flush_packets": "1"})
"""Lossless masks in Matroska."""


class VideoWriter:
    """Writes pictures with their times into a video file; what was written stays playable after a crash.

    Args:
        path: the file; its suffix names the container.
        encoding: `H264` or `FFV1`.

    Raises:
        AernetError: the file cannot be written, or PyAV is not installed.
    """

    def __init__(self, path: Path, encoding: Encoding) -> None:
        self._path = path
        self._encoding = encoding
        self._av = import_av(str(path))
        self._stream: Any = None
        self._last = self._key = -2 * _CLOCK
        with self._writing():
            make_folder(path.parent)
            path.open("wb").close()  # fails now; FFmpeg would fail at the first frame
            self._container = self._av.open(str(path), "w", container_options=dict(encoding.container))

    def add(self, picture: HostImage, seconds: float) -> None:
        """Add a picture.

        Args:
            picture: uint8; for `H264` BGR, H x W x 3: an odd last row or column is written twice, and a
                picture of another size than the first is scaled into that, with black bars. For `FFV1`
                H x W, of the size of the first.
            seconds: the picture's time, not below that of the previous picture.

        Raises:
            AernetError: the file cannot be written.
        """
        with self._writing():
            if self._stream is None:
                even = 2 if self._encoding is H264 else 1
                height, width = (-(-side // even) * even for side in picture.shape[:2])
                self._stream = self._add_stream(width, height)
            if self._encoding is H264:
                picture = _fitted(picture, self._stream.width, self._stream.height)
            self._container.mux(self._stream.encode(self._frame(picture, seconds)))

    def close(self) -> None:
        """Finish the file, or remove it if it has no frame.

        Raises:
            AernetError: the end of the file cannot be written.
        """
        with self._writing():
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if self._stream is None:
                self._path.unlink()

    def _add_stream(self, width: int, height: int) -> Any:
        encoding = self._encoding
        stream = self._container.add_stream(encoding.codec, rate=30, options=dict(encoding.options))
        stream.width, stream.height, stream.pix_fmt = width, height, encoding.layout
        context = stream.codec_context
        context.time_base = Fraction(1, _CLOCK)
        context.thread_count = 1  # the other cores are busy with the network
        if encoding is H264:
            context.color_primaries = context.color_trc = _BT709
            context.colorspace, context.color_range = _SMPTE170M, _LIMITED
        return stream

    def _frame(self, picture: HostImage, seconds: float) -> Any:
        if self._encoding is H264:
            picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = self._av.VideoFrame.from_ndarray(picture, format=self._encoding.layout)
        self._last = max(self._last + 1, round(seconds * _CLOCK))
        frame.pts, frame.time_base = self._last, Fraction(1, _CLOCK)
        if self._last - self._key >= _KEY_SECONDS * _CLOCK:
            self._key = self._last
            frame.pict_type = self._av.video.frame.PictureType.I
        return frame

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, self._av.FFmpegError) as error:
            message = f"{self._path}: cannot be written ({error.strerror}); the video ends here"
            raise OutputError(message) from error


def _fitted(picture: HostImage, width: int, height: int) -> HostImage:
    """Return a picture at a size: between black bars, or with its last row or column twice if one lacks."""
    lacking = height - picture.shape[0], width - picture.shape[1]
    if lacking == (0, 0):
        return picture
    if set(lacking) <= {0, 1}:
        return np.asarray(
            cv2.copyMakeBorder(picture, 0, lacking[0], 0, lacking[1], cv2.BORDER_REPLICATE), np.uint8
        )
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        picture, inner, interpolation=cv2.INTER_AREA
    )
    return fitted
