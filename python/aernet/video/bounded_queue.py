"""A bounded queue between two threads."""

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
    """A bounded queue from one thread to another; the thread that takes items iterates over it.

    Ctrl-C may interrupt the taking thread at any moment if it is the main thread. So it
    makes only calls that cannot be interrupted halfway, and holds no lock that other threads wait for.

    Args:
        capacity: how many items fit.
        waits: whether `put` waits for room when the queue is full; if not, it drops and counts the oldest.
    """

    def __init__(self, capacity: int, *, waits: bool) -> None:
        self._items: SimpleQueue[object] = SimpleQueue()
        self._free_slots: SimpleQueue[object] = SimpleQueue()  # one token for each item that still fits
        for _ in range(capacity):
            self._free_slots.put(None)
        self._capacity = capacity
        self._waits = waits
        self._lock = threading.Lock()  # held by those who put, and while closing
        self._open = True
        self.displaced = 0
        """How many items were dropped because the queue was full."""

    def put(self, item: T) -> bool:
        """Add an item; return False, without adding it, once the queue is closed."""
        if self._waits and self._free_slots.get() is _END:
            self._free_slots.put(_END)  # for the next thread that waits
            return False
        with self._lock:
            if not self._open:
                return False
            if not self._waits and self._items.qsize() >= self._capacity:
                with suppress(Empty):  # the other thread has just taken it
                    self._items.get_nowait()
                    self.displaced += 1
            self._items.put(item)
            return True

    def __iter__(self) -> Iterator[T]:
        """Yield items as they come; end after the last item that was put before the queue was closed."""
        while True:
            item = self._items.get()
            if item is _END:
                self._items.put(_END)
                return
            if self._waits:
                self._free_slots.put(None)
            yield cast("T", item)
            del item

    def close(self, *, discard: bool = False) -> None:
        """Refuse further items; with `discard`, also drop the items that are still in the queue."""
        with self._lock:
            self._open = False
            if discard:
                with suppress(Empty):
                    while True:
                        self._items.get_nowait()
            self._items.put(_END)
            self._free_slots.put(_END)
