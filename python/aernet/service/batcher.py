"""Runs what several threads ask for at once in common."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from aernet.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_AT_ONCE = 2  # one batch is copied to a GPU while the other runs


class Batcher(Generic[ItemT, ResultT]):
    """A function of one item, for several threads, that runs a function of several items.

    A batch is all that waits; while there is room in it, it waits a moment for more.

    Args:
        run: gives the results of a batch in the order of its items; several threads call it.
        largest: the most items of a batch.
        seconds: how long the first item of a batch waits for others.
    """

    def __init__(
        self, run: Callable[[Sequence[ItemT]], Sequence[ResultT]], largest: int, seconds: float
    ) -> None:
        self._run = run
        self._largest = largest
        self._seconds = seconds
        # Not a SimpleQueue, whose `get` may wait for ever where two threads wait with a timeout.
        self._waiting: queue.Queue[tuple[ItemT, Future[ResultT]] | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._work, name="aernet batches", daemon=True) for _ in range(_AT_ONCE)
        ]
        for thread in self._threads:
            thread.start()

    def __call__(self, item: ItemT) -> ResultT:
        """Return the result of an item, or raise what `run` raises for it."""
        future: Future[ResultT] = Future()
        self._waiting.put((item, future))
        return future.result()

    def close(self) -> None:
        """End the threads, once what waits is done."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first, *self._more()]
            items = [item for item, _ in batch]
            try:
                results = self._run(items)
            except FrameError:  # of one item, which the others are not to suffer from
                for item, future in batch:
                    _settle(future, self._run, [item])
            except BaseException as error:  # noqa: BLE001 - each waiting thread raises it
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    future.set_result(result)

    def _more(self) -> list[tuple[ItemT, Future[ResultT]]]:
        """Return what joins the first item of a batch."""
        more: list[tuple[ItemT, Future[ResultT]]] = []
        end = time.monotonic() + self._seconds
        while len(more) + 1 < self._largest:
            try:
                entry = self._waiting.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
            if entry is None:
                self._waiting.put(None)  # for whoever is to end
                break
            more.append(entry)
        return more


def _settle(
    future: Future[ResultT], run: Callable[[Sequence[ItemT]], Sequence[ResultT]], items: list[ItemT]
) -> None:
    try:
        (result,) = run(items)
    except BaseException as error:  # noqa: BLE001 - as above
        future.set_exception(error)
    else:
        future.set_result(result)
