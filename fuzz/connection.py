"""Bytes through a web server of the package, without a network: its own protocol, guard and application."""

from __future__ import annotations

import asyncio
import atexit
import logging
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from aernet.web.server import WebServer

_GRACE = 0.05  # seconds for an answer; then the client hangs up
_PATIENCE = 10.0  # seconds for the end of what is under way after that
_TURNS = 20  # of the event loop after each piece, in which a WebSocket has time to answer


class Connections:
    """Makes connections to servers, and raises what an application or a task raised."""

    def __init__(self, servers: list[WebServer]) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, told: self._faults.append(told))
        self._faults: list[Any] = []
        logging.getLogger("uvicorn.error").addHandler(_Taking(self._faults))
        # uvicorn reads where a connection comes from off a socket, whose options the package sets.
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._socket = socket.create_connection(self._listening.getsockname())
        self._servers = servers
        atexit.register(self._close)

    def send(
        self, server: WebServer, pieces: list[bytes], between: Callable[[], None] = lambda: None
    ) -> bytes:
        """Send pieces of bytes on a connection of its own, hang up, and return what was answered."""
        try:
            answered = self._loop.run_until_complete(self._send(server, pieces, between))
        finally:
            server._server.server_state.connections.clear()  # of a fault, which are not the next input's
        if self._faults:
            fault = self._faults.pop()
            self._faults.clear()
            raise AssertionError(str(fault)) from (fault if isinstance(fault, BaseException) else None)
        return answered

    def _close(self) -> None:
        for server in self._servers:
            server._socket.close()
        self._socket.close()
        self._listening.close()
        self._loop.close()

    async def _send(self, server: WebServer, pieces: list[bytes], between: Callable[[], None]) -> bytes:
        configuration = server._server.config
        if not configuration.loaded:
            configuration.load()
        state = server._server.server_state
        transport = _Transport(self._socket, self._loop)
        protocol = configuration.http_protocol_class(
            config=configuration, server_state=state, app_state={}, _loop=self._loop
        )
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for piece in pieces:
            if piece and not transport.is_closing():
                transport.get_protocol().data_received(piece)
            for _ in range(_TURNS):
                between()
                await asyncio.sleep(0)
        if transport.get_protocol() is protocol:  # a WebSocket has no end
            await self._until_done(state, _GRACE)
        transport.close()
        await asyncio.sleep(0)
        assert await self._until_done(state, _PATIENCE), "a request does not end"
        assert not state.connections
        return bytes(transport.written)

    async def _until_done(self, state: Any, seconds: float) -> bool:
        end = self._loop.time() + seconds
        while state.tasks and self._loop.time() < end:  # noqa: ASYNC110 - uvicorn has no event for that
            await asyncio.sleep(0.0005)
        return not state.tasks


class _Taking(logging.Handler):
    def __init__(self, faults: list[Any]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "Invalid UTF-8 sequence received from client.":  # uvicorn then closes the connection
            return
        self._faults.append(record.exc_info[1] if record.exc_info else record.getMessage())


class _Transport(asyncio.Transport):
    """A connection whose other end takes everything."""

    def __init__(self, connection: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"socket": connection, "peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = bytearray()
        self._loop = loop
        self._closing = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(lambda: self._protocol.connection_lost(None))

    abort = close

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass
