"""HTTP connections with a deadline, so that slow clients neither hold them open nor keep others out."""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from h11 import LocalProtocolError
from uvicorn.protocols.http.h11_impl import H11Protocol

from aernet.web.security import ACCEPTED

if TYPE_CHECKING:
    import asyncio

REQUEST_SECONDS = 10.0
"""Time within which a request's head must be complete."""
CONNECTIONS = 100
"""Most connections at the same time; beyond them one that waits for nothing makes room."""
_MOST = 5 * CONNECTIONS
_FRESH_SECONDS = 1.0  # in which a connection is not ended to make room, unless there are _MOST
_SILENT_MILLISECONDS = 20000  # until a client that acknowledges nothing is dropped

_begin: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()  # when each connection was made


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 that aborts a connection whose request is not complete in time, even if bytes trickle in."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for the connection if there are too many, or refuse it."""
        super().connection_made(transport)
        _begin[transport] = self.loop.time()
        others = [one for one in self.connections if one is not self and not one.transport.is_closing()]
        if len(others) >= CONNECTIONS:
            self._make_room(others)
        connection = transport.get_extra_info("socket")
        # Else the body of an answer waits 40 ms for the client to acknowledge the head.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # elsewhere the system's timeout of minutes applies
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MILLISECONDS)
        self._set_deadline()

    def _make_room(self, others: list[Any]) -> None:
        """End the connections that are worth least, or the new one if all others are busy.

        Those that no accepted request has come through go first, then those that rest between requests; of
        them the client's with the most connections, and of its the oldest. A fresh one may have a request
        that was not read yet.
        """
        ranks = {one: rank for one in others if (rank := _rank(one)) is not None}
        full = len(others) >= _MOST
        if not ranks:
            self.transport.abort()
        held = Counter(_host(one) for one in others)
        now = self.loop.time()
        old = [one for one in ranks if full or now - _begin[one.transport] >= _FRESH_SECONDS]
        old.sort(key=lambda one: (ranks[one], -held[_host(one)], _begin[one.transport]))
        for one in old[: len(others) + 1 - CONNECTIONS]:
            one.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes; only a complete request moves the deadline."""
        try:
            super().data_received(data)
        except LocalProtocolError:  # uvicorn answers a malformed body though it has answered its head
            self.transport.abort()
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


def _rank(protocol: Any) -> int | None:
    """Return 0 for a stranger's connection, 1 for one at rest after its requests, None for a busy one."""
    if hasattr(protocol, "handshake_complete"):  # a WebSocket, which strangers do not get
        return None if protocol.handshake_complete else 0
    if protocol.cycle is None or ACCEPTED not in protocol.cycle.scope["state"]:
        return 0
    return 1 if protocol.cycle.response_complete else None


def _host(protocol: Any) -> str | None:
    return protocol.client[0] if protocol.client else None
