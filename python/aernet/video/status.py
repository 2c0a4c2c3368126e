"""Statistics of a running pipeline."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aernet.video.states import State

if TYPE_CHECKING:
    from aernet.video.result import VideoResult

_WINDOW = 1000  # results
_RECENT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Status:
    """A pipeline's counters at one moment."""

    connected: bool
    """Whether the source gives frames; False before the first frame and while the source is away."""
    state: State
    """The state of the last result; "no lesion" before the first."""
    results: int
    """Number of results."""
    dropped: int
    """Frames of the source that gave no result."""
    seconds: float
    """Seconds from the first result to the last."""
    fps: float
    """Results a second in the last 2 seconds."""
    latency_ms_p50: float
    """Median latency of the last 1000 results in milliseconds; 0 without any."""
    latency_ms_p99: float
    """Latency in milliseconds that 99 of 100 of these results stay below."""
    failures: tuple[str, ...]
    """Messages of the errors that ended sinks early."""


class Statistics:
    """Counts results; several threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque(maxlen=_WINDOW)
        self._latencies: deque[float] = deque(maxlen=_WINDOW)
        self._first = 0.0
        self._results = 0
        self._dropped = 0
        self._state = State.NO_LESION
        self.connected = False
        self.failures: list[str] = []

    def count(self, result: VideoResult) -> None:
        """Count a result."""
        now = time.perf_counter()
        with self._lock:
            self._first = self._first if self._results else now
            self._times.append(now)
            self._latencies.append(result.latency_ms)
            self._results += 1
            self._dropped = result.dropped
            self._state = result.state

    def status(self) -> Status:
        """Return the counters."""
        since = time.perf_counter() - _RECENT_SECONDS
        with self._lock:
            recent = [moment for moment in self._times if moment > since]
            span = recent[-1] - recent[0] if recent else 0.0
            median, high = np.percentile(self._latencies or [0.0], [50, 99])
            return Status(
                connected=self.connected,
                state=self._state,
                results=self._results,
                dropped=self._dropped,
                seconds=self._times[-1] - self._first if self._times else 0.0,
                fps=(len(recent) - 1) / span if span else 0.0,
                latency_ms_p50=float(median),
                latency_ms_p99=float(high),
                failures=tuple(self.failures),
            )
