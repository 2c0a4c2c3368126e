"""The viewer: a web server that shows a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aernet.measure.scale import as_scale
from aernet.viewer.broadcast import Broadcast
from aernet.viewer.pages import Pages
from aernet.viewer.recorder import Recorder
from aernet.web.server import WebServer

if TYPE_CHECKING:
    from typing_extensions import Self

    from aernet.video import Pipeline

_LONGEST_MESSAGE = 64  # bytes that a page may send through its WebSocket


class Viewer:
    """Shows a pipeline as a web page while its `with` block runs.

    At a loopback address every user of this machine may open the page. At any other address a client needs
    the token in `url`. HTTP is not encrypted, so an untrusted network needs a tunnel.

    Args:
        pipeline: the pipeline to show, started or not.
        host: the address to listen at; "0.0.0.0" and "::" mean all addresses of the machine.
        port: the port to listen at; 0 takes any free port.
        folder: the folder for recordings from the page; made when needed.
        mm_per_pixel: the distance of neighbouring pixels in millimetres; None if it is not known, and then
            the page shows area and diameter in pixels.

    Raises:
        FrameError: `mm_per_pixel` is not a finite number above 0.
        AernetError: the address cannot be listened at.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        host: str = "127.0.0.1",
        port: int = 8400,
        folder: Path = Path("recordings"),
        mm_per_pixel: float | None = None,
    ) -> None:
        if mm_per_pixel is not None:
            as_scale(mm_per_pixel)
        self._pipeline = pipeline
        self._broadcast = Broadcast(mm_per_pixel)
        self._recorder = Recorder(pipeline, folder)
        self._server = WebServer(
            Pages(pipeline, self._broadcast, self._recorder, mm_per_pixel).app,
            host,
            port,
            longest_message=_LONGEST_MESSAGE,
        )
        self.url = self._server.url
        """The page's address, with the token if one is needed."""
        self.port = self._server.port
        """The port at which the viewer listens."""

    def __enter__(self) -> Self:
        self._server.start()
        self._pipeline.add(self._broadcast)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._pipeline.remove(self._broadcast)
        self._server.stop()
        self._recorder.stop()  # last, so that no client can start another
