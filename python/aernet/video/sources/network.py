"""Network cameras."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.video.sources.decoding import opened_video, to_frame
from aernet.video.sources.deinterlacing import deinterlaced

if TYPE_CHECKING:
    from aernet.video.sources.base import Frames


_SECONDS = (3.0, 2.0)  # timeouts for opening the stream, and between frames
_PASSWORD = re.compile(
    r"""\b((?:[\w-]+[-_])?(?:password|passwd|pass|pwd|pw)=)("[^"]*"|'[^']*'|[^&\s]+)""", re.IGNORECASE
)
_OPTIONS = {"rtsp_transport": "tcp", "fflags": "nobuffer", "flags": "low_delay"}


class NetworkStream:
    """An RTSP camera."""

    live = True

    def __init__(self, url: str) -> None:
        self.name = without_password(url)
        self._url = url

    def frames(self) -> Frames:
        """Yield frames as they arrive; see `Source`."""
        with opened_video(self._url, self.name, options=_OPTIONS, timeout=_SECONDS) as (container, stream):
            for frame in deinterlaced(container.decode(stream)):
                if frame is not None:
                    yield to_frame(frame, self.name), time.perf_counter()
        raise SourceError(f"{self.name}: has ended")


def without_password(text: str) -> str:
    """Return an address, or a text with addresses, without users and passwords, for messages.

    Those in front of a host are left out; a value that is called a password, as some cameras' addresses and
    GStreamer's elements have it, becomes three stars.
    """
    return _PASSWORD.sub(r"\1***", re.sub(r"//[^/\s]*@", "//", text))
