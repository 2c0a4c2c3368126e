"""Video files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.video.sources.container_size import missing_bytes
from aernet.video.sources.damage import CheckedDecoder
from aernet.video.sources.decoding import has_unused_byte, opened_video, to_frame
from aernet.video.sources.deinterlacing import deinterlaced

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from aernet.video.sources.base import Frames

_MOST_SPANS = 10


# fmt: off
VIDEO_SUFFIXES = (
    ".264", ".265", ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".h264",
    ".h265", ".hevc", ".ivf", ".m1v", ".m2p", ".m2t", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv",
    ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".qt", ".ts", ".vob",
    ".webm", ".wmv", ".y4m",
)
# fmt: on
"""Suffixes, in lower case, of the files that count as videos where pictures are accepted too."""

_TS_PACKETS = (188, 192)  # bytes; the longer ones begin with a time
_TS_SYNC = 0x47  # stands at the beginning of each packet


def is_video(path: Path) -> bool:
    """Tell whether a file counts as a video where pictures are accepted too.

    Its suffix tells; but a `.ts` may be a program in TypeScript, and a `.gif` is a video only if it moves.
    """
    suffix = path.suffix.lower()
    if suffix == ".ts" and path.is_file():
        return _is_transport_stream(path)
    if suffix == ".gif" and path.is_file():
        return _moves(path)
    return suffix in VIDEO_SUFFIXES


def _is_transport_stream(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4 * max(_TS_PACKETS))
    return any(
        start[first : first + 2 * size + 1 : size] == bytes([_TS_SYNC] * 3)
        for size in _TS_PACKETS
        for first in range(size)
    )


def _moves(path: Path) -> bool:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - few folders hold a .gif

    try:
        with Image.open(path, formats=["GIF"]) as image:
            return bool(getattr(image, "is_animated", False))
    except (OSError, UnidentifiedImageError, ValueError):
        return False


class DamagedVideoError(SourceError):
    """A film of which some frames are damaged or missing; raised after its other frames."""

    def __init__(self, message: str, frames: list[int]) -> None:
        super().__init__(message)
        self.frames = frames
        """The numbers of the damaged and missing frames, as far as they are known."""


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
        """Yield the frames; see `Source`.

        Raises:
            DamagedVideoError: at the end, some frames were damaged or are missing.
        """
        stored: tuple[int, ...] = ()
        shape: tuple[int, ...] = ()
        seconds = 0.0
        with opened_video(self.name, self.name) as (container, stream):
            lacking = missing_bytes(Path(self.name))
            opaque = has_unused_byte(container, stream)
            decoder = CheckedDecoder(container, stream, cut=lacking > 0)
            for index, frame in enumerate(deinterlaced(decoder.frames())):
                if frame is None:
                    yield None, seconds
                    continue
                # A damaged film may have a frame of gigabytes, which is better not converted.
                stored = stored or (frame.height, frame.width)
                self._require_same_size(stored, (frame.height, frame.width), index)
                picture = to_frame(frame, self.name, opaque=opaque)
                shape = shape or picture.shape[:2]
                self._require_same_size(shape, picture.shape[:2], index)
                seconds = index / float(stream.average_rate or 25) if frame.pts is None else frame.time
                yield picture, seconds
            self._tell(decoder, lacking, container, stream)

    def _require_same_size(self, expected: tuple[int, ...], found: tuple[int, ...], index: int) -> None:
        if found != expected:
            sizes = [f"{width} x {height}" for height, width in (expected, found)]
            raise SourceError(
                f"{self.name}: the frames change from {sizes[0]} to {sizes[1]} at frame {index}; "
                "cut it there, or scale them to one size"
            )

    def _tell(
        self, decoder: CheckedDecoder, lacking: int, container: InputContainer, stream: VideoStream
    ) -> None:
        """Raise an error that says what is damaged, if anything is."""
        good = decoder.count - len(decoder.damaged)
        total: int | None = decoder.count
        if lacking or decoder.breached:
            total = _stated_count(decoder, container, stream)
        missing = list(range(decoder.count, total or 0))
        reasons = []
        if decoder.damaged:
            reasons.append(f"{_spans(decoder.damaged)} cannot be decoded rightly")
        if missing:
            reasons.append(f"{_spans(missing)} of {total} {'is' if len(missing) == 1 else 'are'} missing")
        elif total is None or (decoder.troubled and not decoder.damaged):
            reasons.append("frames may be missing")
        if not reasons:
            if not good:
                raise SourceError(f"{self.name}: holds no frame")
            return
        if lacking:
            reasons.insert(0, f"the file is cut short by {lacking} bytes")
        message = f"{self.name}: is damaged: {', '.join(reasons)}; copy it again"
        if not good:
            raise SourceError(message)
        raise DamagedVideoError(f"{message}, the other {good} frames are whole", decoder.damaged + missing)


def _stated_count(decoder: CheckedDecoder, container: InputContainer, stream: VideoStream) -> int | None:
    """Return how many frames the film has by its own account; None where it does not say."""
    if stream.frames:
        return int(stream.frames)
    unit, pace = stream.time_base, decoder.pace
    if not (container.duration and unit and pace.step and pace.last is not None):
        return None
    left = ((container.duration + (container.start_time or 0)) / 1e6) / float(unit) - pace.last
    return decoder.count + round(left / pace.step) - 1


def _spans(numbers: list[int]) -> str:
    """Return numbers in words: `frames 3 to 7, 9`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    words = [str(first) if first == last else f"{first} to {last}" for first, last in spans[:_MOST_SPANS]]
    if len(spans) > _MOST_SPANS:
        words.append(f"and {len(spans) - _MOST_SPANS} more spans")
    return f"frame{'s' if len(numbers) > 1 else ''} {', '.join(words)}"
