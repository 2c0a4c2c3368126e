"""A web server on a thread of its own, behind the guard."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

from aernet.web.address import LOOPBACK, is_loopback, listen, own_names, url
from aernet.web.deadline import DeadlineProtocol
from aernet.web.security import Guard

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_LONGEST_HEAD = 16384  # bytes of a request's head
_PING_SECONDS = 10.0  # between pings of a WebSocket, and for the answer to one


class WebServer:
    """Serves an application between `start` and `stop`.

    At a loopback address every user of this machine may ask. At any other address, and wherever a token is
    given, a client needs the token in `url`. HTTP is not encrypted, so an untrusted network needs a tunnel.

    Args:
        app: the application.
        host: the address to listen at; "0.0.0.0" and "::" mean all addresses of the machine.
        port: the port to listen at; 0 takes any free port.
        token: the token that clients need; None makes one where other machines reach the address.
        largest_body: bytes that a request may have beside its head.
        longest_message: bytes of a message through a WebSocket; None refuses WebSockets.
        patience: seconds that answers under way may still take once the server stops.

    Raises:
        AernetError: the address cannot be listened at.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        token: str | None = None,
        largest_body: int = 0,
        longest_message: int | None = None,
        patience: int = 1,
    ) -> None:
        self._socket = listen(host, port)
        self.url = url(host, self._socket)
        """The page's address, with the token if one is needed."""
        self.port: int = self._socket.getsockname()[1]
        """The port at which the server listens."""
        local = is_loopback(self._socket)
        if token is None and not local:
            token = secrets.token_urlsafe(32)
        if token is not None:
            self.url += f"?token={token}"
        guard = Guard(
            app,
            {*LOOPBACK, host.lower()} if local else own_names(host),
            token=token,
            cookie=f"aernet-{self.port}",
            largest_body=largest_body,
        )
        configuration = uvicorn.Config(
            guard,
            loop="asyncio",
            http=DeadlineProtocol,
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=patience,
            h11_max_incomplete_event_size=_LONGEST_HEAD,
            **({"ws": "none"} if longest_message is None else _websockets(longest_message)),
        )
        self._server = uvicorn.Server(configuration)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="aernet web server", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self, *, at_once: bool = False) -> None:
        """Take no more requests, and wait for the answers under way unless it is to end at once."""
        self._server.force_exit = at_once
        self._server.should_exit = True
        self._thread.join()


def _websockets(longest_message: int) -> dict[str, Any]:
    # Here, because who refuses WebSockets does without the package of that name.
    from uvicorn.protocols.websockets import websockets_sansio_impl  # noqa: PLC0415

    return {
        "ws": websockets_sansio_impl.WebSocketsSansIOProtocol,
        "ws_max_size": longest_message,
        "ws_ping_interval": _PING_SECONDS,
        "ws_ping_timeout": _PING_SECONDS,
        "ws_per_message_deflate": False,
    }
