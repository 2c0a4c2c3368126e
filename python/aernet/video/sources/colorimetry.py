"""What `gst-launch-1.0 -v` prints of a pipeline beside YUV4MPEG2: its colours, and whether it is live."""

from __future__ import annotations

import os
import re
import threading
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

from aernet.errors import SourceError
from aernet.video.frame import usual_matrix

if TYPE_CHECKING:
    from aernet.nv12 import Matrix

ELEMENT = "aernet"
"""The name of the element whose input's colours are read."""

_CAPS = re.compile(rf":{ELEMENT}\.GstPad:sink: caps = (.*)".encode())
_LIVE = b"Pipeline is live"
_COLORIMETRY = re.compile(r"colorimetry=\(string\)([^\s,;]+)")
_NAMES: dict[str, tuple[Matrix, bool]] = {"bt601": ("bt601", False), "bt709": ("bt709", False)}
# Range and matrix as GstVideoColorRange and GstVideoColorMatrix number them; transfer and primaries follow.
_NUMBERS: dict[str, tuple[Matrix, bool]] = {
    "1:3": ("bt709", True),
    "1:4": ("bt601", True),
    "2:3": ("bt709", False),
    "2:4": ("bt601", False),
}
_LONGEST_LINE = 65536  # bytes
_SECONDS = 2.0


def colours_of(stated: str, name: str, height: int) -> tuple[Matrix, bool]:
    """Return the matrix of the frames and whether they have the full range.

    Args:
        stated: the colours as GStreamer writes them; nothing stands for those that are usual at this height.
        name: the source in messages.
        height: of the frames.

    Raises:
        SourceError: the colours are neither those of BT.601 nor those of BT.709.
    """
    if not stated:
        return usual_matrix(height), False
    found = _NAMES.get(stated) or _NUMBERS.get(stated[:3])
    if found is None:
        raise SourceError(
            f"{name}: expected the colours of BT.601 or BT.709, found {stated}; "
            "add '! videoconvert ! video/x-raw,colorimetry=bt709'"
        )
    return found


class Printed:
    """A pipe for the standard output of `gst-launch-1.0 -v`, read to its end so that it never fills.

    `end` is the file descriptor for the process; close it here once the process has it.
    """

    def __init__(self) -> None:
        self._caps: SimpleQueue[str] = SimpleQueue()
        self._live = False
        reading, self.end = os.pipe()
        printed = os.fdopen(reading, "rb")
        self._thread = threading.Thread(target=self._read, args=(printed,), name="aernet caps", daemon=True)
        self._thread.start()

    def is_live(self) -> bool:
        """Tell whether the pipeline, which has ended, was live, as a camera's is and a file's is not."""
        self._thread.join(_SECONDS)
        return self._live

    def colours(self, name: str, height: int) -> tuple[Matrix, bool]:
        """Return the matrix of the frames and whether they have the full range; wait until it is printed.

        Args:
            name: the source in messages.
            height: of the frames; colours that are not stated are those that are usual at this height.

        Raises:
            SourceError: the colours are neither those of BT.601 nor those of BT.709.
        """
        try:
            caps = self._caps.get(timeout=_SECONDS)
        except Empty:
            caps = ""
        stated = _COLORIMETRY.search(caps)
        return colours_of(stated[1] if stated else "", name, height)

    def _read(self, printed: BinaryIO) -> None:
        with printed:
            for line in iter(partial(printed.readline, _LONGEST_LINE), b""):
                self._live = self._live or line.startswith(_LIVE)
                if caps := _CAPS.search(line):
                    self._caps.put(caps[1].decode(errors="replace"))
        self._caps.put("")
