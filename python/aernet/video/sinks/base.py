"""What a sink is.

A sink takes results and does something with them: shows, records, serves. It is given to `Pipeline.add`,
which feeds it on a thread of its own through a bounded inbox: `write` may take its time, and no one waits for
it while the source is live. Results are shared between sinks and must not be written to.

- `every = True`: it wants each result. While a file is read the pipeline waits for it; from a live source up
  to 8 results wait for it, and beyond that the oldest is left out and counted.
- `every = False`: it wants the newest result, and those it had no time for are forgotten.

`write` is never called by two threads at once; `close` is called once, by the same thread, when the pipeline
ends, the sink is removed, or `write` has raised. What either raises ends the sink, not the pipeline: an
`AernetError` or `OSError` becomes one line in the log and in `Pipeline.status().failures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aernet.video.result import VideoResult


class Sink(Protocol):
    """Takes results; see the module."""

    name: str
    """What messages call it."""
    every: bool
    """Whether it wants each result, or the newest."""

    def write(self, result: VideoResult) -> None:
        """Take a result."""
        ...

    def close(self) -> None:
        """Finish."""
        ...
