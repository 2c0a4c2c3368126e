"""From one thread to the next, bounded."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

_END = object()


class BoundedQueue(Generic[T]):
    """A bounded queue from one thread to another, iterated by the one that takes.

    The thread that takes may be interrupted at any moment (Ctrl-C reaches the main thread): whatever it calls
    is one uninterruptible step, and the others never wait for a lock that it holds.

    Args:
        capacity: how many items it holds.
        waits: what `put` does when it is full: wait for room, or let the oldest item go and count it.
    """

    def __init__(self, capacity: int, *, waits: bool) -> None:
        self._items: SimpleQueue[object] = SimpleQueue()
        self._rooms: SimpleQueue[object] = SimpleQueue()  # one token for each item that still fits
        for _ in range(capacity):
            self._rooms.put(None)
        self._capacity = capacity
        self._waits = waits
        self._lock = threading.Lock()  # held by those who put, and while closing
        self._open = True
        self.displaced = 0
        """How many items were left untaken."""

    def put(self, item: T) -> bool:
        """Hand an item over; False, and it is not, once the queue is closed."""
        if self._waits and self._rooms.get() is _END:
            self._rooms.put(_END)  # for whoever waits beside us
            return False
        with self._lock:
            if not self._open:
                return False
            if not self._waits and self._items.qsize() >= self._capacity:
                with suppress(Empty):  # it was taken just now
                    self._items.get_nowait()
                    self.displaced += 1
            self._items.put(item)
            return True

    def __iter__(self) -> Iterator[T]:
        """Yield items as they come, to the last that was put before the queue was closed."""
        while True:
            item = self._items.get()
            if item is _END:
                self._items.put(_END)
                return
            self._rooms.put(None)
            yield cast("T", item)
            del item

    def close(self, *, discard: bool = False) -> None:
        """Take no more items; with `discard`, let go of those that were not taken."""
        with self._lock:
            self._open = False
            if discard:
                with suppress(Empty):
                    while True:
                        self._items.get_nowait()
            self._items.put(_END)
            self._rooms.put(_END)
