"""GStreamer pipelines, run by `gst-launch-1.0`, whose frames arrive through a pipe of their own.

OpenCV's wheels come without GStreamer; a separate process works beside any of them. Some elements, such as
`nvarguscamerasrc`, write to standard output, so that it cannot carry the frames.
"""

from __future__ import annotations

import atexit
import os
import re
import select
import shlex
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.errors import SourceError
from aernet.nv12 import Nv12Frame
from aernet.video.sources.colorimetry import ELEMENT, Printed
from aernet.video.sources.network import without_password

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from aernet.arrays import HostImage
    from aernet.video.sources.base import Frames


_PROGRAM = "gst-launch-1.0"
_TAIL = f"! videoconvert ! video/x-raw,format=I420 ! y4menc name={ELEMENT} ! fdsink"
_APPSINK = re.compile(r"\s*!\s*appsink[^!]*$")
_REASON = re.compile(r"(?:ERROR|erroneous pipeline).*?: (.+)")
_HEADER = re.compile(rb"YUV4MPEG2\b.* W(\d+) H(\d+)\b(?:.* I([a-z?]))?")
_LONGEST_HEADER = 256  # bytes
_MARKER = np.frombuffer(b"FRAME\n", np.uint8)  # stands before each frame
_NVMM = re.compile(r"!\s*[\"']?video/x-raw\(memory:NVMM\)[^!]*\bformat=(\(string\))?NV12\b[^!]*$")

START_SECONDS = 10.0
"""How long the first frame of a pipeline is waited for."""
GAP_SECONDS = 2.0
"""How long each other frame is waited for."""

_END_SECONDS = 2.0  # from the end of the frames to that of the process


def csi_pipeline(sensor: int, width: int = 1280, height: int = 720, fps: int = 30) -> str:
    """Return the pipeline of a Jetson's CSI camera."""
    mode = f"width={width},height={height},format=NV12,framerate={fps}/1"
    return f"nvarguscamerasrc sensor-id={sensor} ! video/x-raw(memory:NVMM),{mode}"


class GStreamer:
    """A GStreamer pipeline that ends in raw video; an `appsink` at its end is left out.

    Args:
        pipeline: in the syntax of `gst-launch-1.0`.
        name: its name in messages; None takes the pipeline itself.

    Raises:
        SourceError: a quotation mark in the pipeline is not closed.
    """

    live = True

    def __init__(self, pipeline: str, name: str | None = None) -> None:
        self.name = without_password(name or pipeline)
        pipeline = _APPSINK.sub("", pipeline)
        is_nvmm = _NVMM.search(pipeline) is not None
        try:
            words = shlex.split(pipeline)
        except ValueError as error:
            raise SourceError(f"{self.name}: is not a valid pipeline ({error})") from None
        self.nvmm_pipeline = words if is_nvmm else None
        """The words of a pipeline whose frames are NV12 in memory:NVMM, without its sink; None for others."""
        self._arguments = [*words, *(["!", "nvvidconv"] if is_nvmm else []), *_TAIL.split()]

    def frames(self) -> Frames:
        """Yield frames as they arrive, to the end of a pipeline that is not live; see `Source`."""
        program = shutil.which(_PROGRAM)
        if program is None:
            raise SourceError(f"{self.name}: needs {_PROGRAM} (Debian and Ubuntu: gstreamer1.0-tools)")
        printed = Printed()
        with (
            open(printed.end, "wb", buffering=0) as output,  # noqa: PTH123
            tempfile.TemporaryFile() as log,
            _pipe() as (pipe, end),
            subprocess.Popen(  # noqa: S603 - no shell is involved
                [program, "-v", *self._arguments, f"fd={end.fileno()}"],
                stdout=output,
                stderr=log,
                pass_fds=[end.fileno()],
                start_new_session=True,  # so that Ctrl-C does not reach it
                env=os.environ | {"LANGUAGE": "en"},  # what it says is read
            ) as process,
        ):
            for descriptor in (output, end):  # the process holds them alone, so that the pipes end with it
                descriptor.close()
            atexit.register(process.kill)  # in case the pipeline hangs and is abandoned
            try:
                yield from self._pictures(pipe, printed)
            except EOFError as error:
                if _succeeded(process) and not printed.is_live():
                    return
                log.seek(0)
                reason = _REASON.search(log.read().decode(errors="replace"))
                told = without_password(reason[1]) if reason else error
                raise SourceError(f"{self.name}: {told}") from None
            finally:
                process.kill()
                atexit.unregister(process.kill)

    def _pictures(self, pipe: FileIO, printed: Printed) -> Frames:
        header = b""
        while not header.endswith(b"\n") and len(header) < _LONGEST_HEADER:
            header += _read(pipe, np.empty(1, np.uint8), START_SECONDS).tobytes()
        sizes = _HEADER.match(header)
        if sizes is None:
            raise SourceError(
                f"{self.name}: expected a YUV4MPEG2 header from {_PROGRAM}, found {header[:20]!r}"
            )
        width, height = int(sizes[1]), int(sizes[2])
        if sizes[3] in {b"t", b"b", b"m"}:
            raise SourceError(
                f"{self.name}: expected whole frames, found interlaced ones; add '! deinterlace'"
            )
        if width % 8 or height % 2:  # GStreamer pads the rows of other sizes
            raise SourceError(
                f"{self.name}: expected a width that is a multiple of 8 and an even height, found "
                f"{width} x {height}; add '! videoscale ! video/x-raw,width=...,height=...'"
            )
        matrix, full_range = printed.colours(self.name, height)
        while True:
            frame = _read(pipe, np.empty(_MARKER.size + width * height * 3 // 2, np.uint8), GAP_SECONDS)
            arrived = time.perf_counter()
            marker, planes = np.split(frame, [_MARKER.size])
            if not np.array_equal(marker, _MARKER):
                raise SourceError(
                    f"{self.name}: expected FRAME before each frame from {_PROGRAM}, found "
                    f"{marker.tobytes()!r}; does another element write to the same pipe?"
                )
            luma, chroma = planes[: height * width], planes[height * width :].reshape(2, height // 2, -1)
            pairs = np.asarray(cv2.merge(list(chroma)), np.uint8)
            yield Nv12Frame(luma.reshape(height, width), pairs, matrix, full_range), arrived


def _succeeded(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process that has closed its pipe ends without an error."""
    try:
        return process.wait(_END_SECONDS) == 0
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def _pipe() -> Iterator[tuple[FileIO, FileIO]]:
    """Yield the end of a pipe that is read from, unbuffered, and the end that is written to."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as begin, open(writing, "wb", buffering=0) as end:  # noqa: PTH123
        yield begin, end


def _read(pipe: FileIO, buffer: HostImage, seconds: float) -> HostImage:
    """Fill the buffer and return it; EOFError says that the pipe has ended, or is silent for `seconds`."""
    filled = 0
    while filled < len(buffer):
        if not select.select([pipe], [], [], seconds)[0]:
            raise EOFError(f"gave no frame for {seconds:g} seconds")
        count = pipe.readinto(buffer[filled:].data)
        if not count:
            raise EOFError("has ended")
        filled += count
    return buffer
