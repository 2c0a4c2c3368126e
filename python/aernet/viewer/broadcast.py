"""Sends each result, encoded once, to all pages that watch."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aernet.viewer.encoding import encode_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aernet.video.result import VideoResult

_IN_FLIGHT = 2  # views that were sent to a client and that it has not drawn


class Client:
    """A page that watches."""

    def __init__(self) -> None:
        self.ready = asyncio.BoundedSemaphore(_IN_FLIGHT)
        """Acquired for each view that is sent, released for each that the page has drawn."""
        self.results: deque[VideoResult] = deque(maxlen=_IN_FLIGHT + 1)
        """The results that the page shows or will show next."""


class Broadcast:
    """A sink that hands the newest result to every client that waits for one.

    A result is encoded once for all clients, and not at all if none waits. Nothing is queued: a slow client
    gets the first result after it is ready. All methods but `write` run on the server's event loop.

    Args:
        mm_per_pixel: the distance of neighbouring pixels in millimetres, if it is known.
    """

    name = "viewer"
    every = False

    def __init__(self, mm_per_pixel: float | None = None) -> None:
        self._mm_per_pixel = mm_per_pixel
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[tuple[VideoResult, bytes]]] = set()
        self._clients: list[Client] = []

    def write(self, result: VideoResult) -> None:
        """Encode a result, if a client waits for it."""
        if self._loop is not None and self._waiting:
            message = encode_view(result, self._mm_per_pixel)
            self._loop.call_soon_threadsafe(self._hand_out, result, message)

    def close(self) -> None:
        """Do nothing: clients stay connected, and the status tells them that the source is away."""

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client that is registered until the block ends."""
        client = Client()
        self._clients.append(client)
        try:
            yield client
        finally:
            self._clients.remove(client)

    async def newest(self) -> tuple[VideoResult, bytes]:
        """Wait for the next result, and return it with the message that shows it."""
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[VideoResult, bytes]] = self._loop.create_future()
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)

    def find(self, frame_index: int) -> VideoResult | None:
        """Return the result of a frame that some client may be showing."""
        results = (result for client in self._clients for result in client.results)
        return next((result for result in results if result.frame_index == frame_index), None)

    def _hand_out(self, result: VideoResult, message: bytes) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result((result, message))
        self._waiting.clear()
