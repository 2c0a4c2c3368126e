"""One picture of each result for all who watch."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from aernet.viewer.encoding import encode_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aernet.video.result import VideoResult

_ON_THE_WAY = 2  # views that a client has not yet drawn


class View(NamedTuple):
    """A result, and what is sent of it."""

    result: VideoResult
    message: bytes


class Client:
    """A page that watches."""

    def __init__(self) -> None:
        self.ready = asyncio.BoundedSemaphore(_ON_THE_WAY)
        """Acquired for each view that is sent, released for each that the page has drawn."""
        self.results: deque[VideoResult] = deque(maxlen=_ON_THE_WAY + 1)
        """What the page shows, and what is on the way to it."""


class Broadcast:
    """A sink that hands the newest result to every client that waits for one.

    A result is encoded once for all of them, and not at all if there is none. Nothing is queued: a client
    that takes its time gets the first result after it is ready. All but `write` belongs to the server's loop.
    """

    name = "viewer"
    every = False

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[View]] = set()
        self._clients: list[Client] = []

    def write(self, result: VideoResult) -> None:
        """Encode a result, if somebody waits for it."""
        if self._loop is not None and self._waiting:
            self._loop.call_soon_threadsafe(self._hand_out, View(result, encode_view(result)))

    def close(self) -> None:
        """Do nothing: clients stay, and are told that the source is away."""

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client that counts until the block ends."""
        client = Client()
        self._clients.append(client)
        try:
            yield client
        finally:
            self._clients.remove(client)

    async def newest(self) -> View:
        """Wait for the next result."""
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[View] = self._loop.create_future()
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)

    def find(self, frame_index: int) -> VideoResult | None:
        """Return the result of a frame that some client may be showing."""
        for client in self._clients:
            for result in client.results:
                if result.frame_index == frame_index:
                    return result
        return None

    def _hand_out(self, view: View) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(view)
        self._waiting.clear()
