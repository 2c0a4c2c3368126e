"""From one thread to the next, bounded."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Handover(Generic[T]):
    """A bounded queue from one thread to another, iterated by the one that takes.

    Args:
        capacity: how many items it holds.
        waits: what `put` does when it is full: wait for room, or let the oldest item go and count it.
    """

    def __init__(self, capacity: int, *, waits: bool) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._waits = waits
        self._open = True
        # Held by itself: Ctrl-C within a condition's own __enter__ would leave it locked for ever.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self.displaced = 0
        """How many items went untaken."""

    def put(self, item: T) -> bool:
        """Hand an item over; False, and it is not, once closed."""
        with self._lock:
            while self._waits and self._open and len(self._items) >= self._capacity:
                self._changed.wait()
            if not self._open:
                return False
            if len(self._items) >= self._capacity:
                self._items.popleft()
                self.displaced += 1
            self._items.append(item)
            self._changed.notify_all()
            return True

    def __iter__(self) -> Iterator[T]:
        """Yield items as they come, to the last that was put before it was closed."""
        while True:
            with self._lock:
                while self._open and not self._items:
                    self._changed.wait()
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
            del item

    def close(self, *, discard: bool = False) -> None:
        """Take no more; with `discard`, let go of what was not taken."""
        with self._lock:
            self._open = False
            if discard:
                self._items.clear()
            self._changed.notify_all()
