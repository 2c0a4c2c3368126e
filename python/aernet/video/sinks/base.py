"""The interface of a sink.

A sink shows, records or serves results. `Pipeline.add` feeds it on a thread of its own through a bounded
inbox, so that a slow `write` does not hold up a live source. Sinks share the results and must not write to
them.

- `every = True`: the sink wants each result. While a file is read, the pipeline waits for the sink; from a
  live source up to 8 results wait for it, and beyond that the oldest is dropped and counted.
- `every = False`: the sink wants the newest result; those that it has no time for are dropped.

`write` is never called by two threads at once. `close` is called once, by the same thread, when the pipeline
ends, the sink is removed, or `write` has raised. An exception in either ends the sink, not the pipeline: an
`AernetError` or `OSError` becomes one line in the log and in `Pipeline.status().failures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aernet.video.result import VideoResult


class Sink(Protocol):
    """Takes results; the module says when its methods are called."""

    name: str
    """The name of the sink in messages."""
    every: bool
    """Whether the sink wants each result, or only the newest."""

    def write(self, result: VideoResult) -> None:
        """Take a result."""
        ...

    def close(self) -> None:
        """Finish what the sink writes, and free what it holds."""
        ...
