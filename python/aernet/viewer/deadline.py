"""Connections that must come to the point."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

REQUEST_SECONDS = 10.0
"""In which a request's head must be complete."""
CONNECTIONS = 100
"""At the same time."""
_SILENT_MILLISECONDS = 20000  # of a client that was sent something


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 where a connection without a complete request ends after a while, however slowly it talks."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse the connection if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # else the system has its own, of minutes
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MILLISECONDS)
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they move the deadline only if they complete a request."""
        super().data_received(data)
        self._set_deadline()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def _set_deadline(self) -> None:
        answering = not getattr(self.cycle, "response_complete", True)
        if answering or self.transport.is_closing():
            self._cancel_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self._expire)

    def _expire(self) -> None:
        # What asks for a WebSocket in a way that its protocol cannot read gets no answer from it.
        if not getattr(self.transport.get_protocol(), "handshake_complete", False):
            self.transport.abort()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
