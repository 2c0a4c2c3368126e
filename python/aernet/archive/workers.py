"""Threads that work on many things at once, and hand on what they made in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

Item = TypeVar("Item")
Made = TypeVar("Made")

_AHEAD = 100  # how many a thread may be ahead of one that takes long, such as a film


def in_order(
    work: Callable[[Item], Made], items: Iterable[Item], jobs: int, stop: Callable[[], object]
) -> Generator[Made, None, None]:
    """Yield what `work` makes of each item, in the order of the items.

    At most 100 items for each thread are begun and not yet yielded. If the iterator is closed, nothing new is
    begun, and it waits for what is under way.

    Args:
        work: called with an item on one of the threads; what it raises is raised in the item's turn.
        items: the items, which are taken when a thread is to have them.
        jobs: the number of threads; 1 works on the caller's own, when the next is asked for.
        stop: called when the iterator is closed or something was raised, to end what is under way soon.
    """
    if jobs == 1:
        yield from map(work, items)
        return
    under_way: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(jobs, "aernet archive") as pool:
        try:
            for item in items:
                under_way.append(pool.submit(work, item))
                if len(under_way) == _AHEAD * jobs:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BaseException:
            stop()
            for future in under_way:
                future.cancel()
            raise
