"""The service: a web server that segments what is posted to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.service.limits import Limits
from aernet.service.meters import Meters
from aernet.service.pages import Pages
from aernet.service.worker import Worker
from aernet.web.server import WebServer

if TYPE_CHECKING:
    from typing_extensions import Self

    from aernet.segmenter import Segmenter


class Service:
    """Segments pictures over HTTP while its `with` block runs; it ends when the answers under way are given.

    If the block is left by an exception, such as a KeyboardInterrupt, it ends at once.

    Who may ask is told by `WebServer`. Nothing of a picture is written to a disk or a log.

    Args:
        segmenter: takes BGR frames.
        host: the address to listen at; "0.0.0.0" and "::" mean all addresses of the machine.
        port: the port to listen at; 0 takes any free port.
        token: the token that clients need; None makes one where other machines reach the address.
        limits: what a request may cost.

    Raises:
        AernetError: the address cannot be listened at.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        host: str = "127.0.0.1",
        port: int = 8500,
        *,
        token: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        meters = Meters()
        self._worker = Worker(segmenter, limits.pixels, meters)
        self._server = WebServer(
            Pages(segmenter, self._worker, limits, meters).app,
            host,
            port,
            token=token,
            largest_body=limits.body_bytes,
            patience=round(limits.body_seconds + limits.seconds) + 1,
        )
        self.url = self._server.url
        """The page's address, with the token if one is needed."""
        self.port = self._server.port
        """The port at which the service listens."""

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_more: object) -> None:
        self._server.stop(at_once=kind is not None)
        self._worker.close()
