"""HTTP connections with a deadline, so that slow clients cannot hold them open."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

REQUEST_SECONDS = 10.0
"""Time within which a request's head must be complete."""
CONNECTIONS = 100
"""Most connections at the same time."""
_SILENT_MILLISECONDS = 20000  # until a client that acknowledges nothing is dropped


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 that aborts a connection whose request is not complete in time, even if bytes trickle in."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse the connection if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
        connection = transport.get_extra_info("socket")
        # Else the body of an answer waits 40 ms for the client to acknowledge the head.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # elsewhere the system's timeout of minutes applies
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MILLISECONDS)
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Take bytes; only a complete request moves the deadline."""
        super().data_received(data)
        self._set_deadline()

    def on_response_complete(self) -> None:
        """Start the deadline of the next request."""
        super().on_response_complete()
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def _set_deadline(self) -> None:
        answering = not getattr(self.cycle, "response_complete", True)
        if answering or self.transport.is_closing():
            self._cancel_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self._expire)

    def _expire(self) -> None:
        # A malformed request for a WebSocket gets no answer from its protocol, and must expire too.
        if not getattr(self.transport.get_protocol(), "handshake_complete", False):
            self.transport.abort()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
