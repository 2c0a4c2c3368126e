"""The viewer's web server, on a thread of its own."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from aernet.measure.scale import as_scale
from aernet.viewer.address import LOOPBACK, is_loopback, listen, own_names, url
from aernet.viewer.broadcast import Broadcast
from aernet.viewer.deadline import DeadlineProtocol
from aernet.viewer.pages import Pages
from aernet.viewer.recorder import Recorder
from aernet.viewer.security import Guard

if TYPE_CHECKING:
    from typing_extensions import Self

    from aernet.video import Pipeline

_LONGEST_HEAD = 16384  # bytes of a request's head
_LONGEST_MESSAGE = 64  # bytes that a page may send through its WebSocket
_PING_SECONDS = 10.0  # between pings, and for the answer to one


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
        self._socket = listen(host, port)
        self.url = url(host, self._socket)
        """The page's address, with the token if one is needed."""
        self.port: int = self._socket.getsockname()[1]
        """The port at which the viewer listens."""
        local = is_loopback(self._socket)
        token = None if local else secrets.token_urlsafe(32)
        if token is not None:
            self.url += f"?token={token}"
        guard = Guard(
            Pages(pipeline, self._broadcast, self._recorder, mm_per_pixel).app,
            {*LOOPBACK, host.lower()} if local else own_names(host),
            token=token,
            cookie=f"aernet-{self.port}",
        )
        configuration = uvicorn.Config(
            guard,
            loop="asyncio",
            http=DeadlineProtocol,
            ws=WebSocketsSansIOProtocol,
            ws_max_size=_LONGEST_MESSAGE,
            ws_ping_interval=_PING_SECONDS,
            ws_ping_timeout=_PING_SECONDS,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=_LONGEST_HEAD,
        )
        self._server = uvicorn.Server(configuration)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="aernet viewer", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self._pipeline.add(self._broadcast)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._pipeline.remove(self._broadcast)
        self._server.should_exit = True
        self._thread.join()
        self._recorder.stop()  # last, so that no client can start another
