"""The thread that feeds a sink."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

from aernet.errors import AernetError
from aernet.video.bounded_queue import BoundedQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from aernet.video.result import VideoResult
    from aernet.video.sinks.base import Sink
    from aernet.video.status import Statistics

_log = logging.getLogger(__name__)

_NICENESS = 5  # capture and network go first, because a frame waits for them
_LATE_RESULTS = 8  # queued for a sink that wants every result


class SinkThread:
    """Feeds a sink on a thread of its own from an inbox of its own.

    Args:
        sink: the sink to feed, and to close at the end.
        statistics: records the error that ends the sink early.
        waits: whether the pipeline waits when the inbox is full.
    """

    def __init__(self, sink: Sink, statistics: Statistics, *, waits: bool) -> None:
        self.sink = sink
        self.inbox: BoundedQueue[VideoResult] = BoundedQueue(_LATE_RESULTS if sink.every else 1, waits=waits)
        self.thread = threading.Thread(target=self._feed, name=f"aernet {sink.name}", daemon=True)
        self._statistics = statistics

    def _feed(self) -> None:
        if sys.platform == "linux":  # elsewhere threads have no priority of their own
            os.nice(_NICENESS)
        # A sink that has failed often fails to close as well; the first error is the cause.
        errors = [_raised(self._write), _raised(self.sink.close)]
        first = next((error for error in errors if error), None)
        if first is not None:
            message, is_expected = _told(first, self.sink.name)
            self._statistics.failures.append(message)
            _log.error("%s", message, exc_info=None if is_expected else first)
        if self.sink.every and self.inbox.displaced:
            _log.warning("%s: too slow, %d results left out", self.sink.name, self.inbox.displaced)

    def _write(self) -> None:
        try:
            for result in self.inbox:
                self.sink.write(result)
        finally:
            self.inbox.close(discard=True)


def _raised(act: Callable[[], None]) -> Exception | None:
    """Call a function and return what it raised, so that an error ends the sink alone."""
    try:
        act()
    except Exception as error:  # noqa: BLE001
        return error
    return None


def _told(error: Exception, name: str) -> tuple[str, bool]:
    """Return what to say of a sink's error, and whether it is one that sinks are known to have."""
    if isinstance(error, AernetError):  # which names what it is about
        return str(error), True
    if isinstance(error, OSError):
        return f"{name}: {error.strerror or error}", True
    return f"{name}: {type(error).__name__}: {error}", False
