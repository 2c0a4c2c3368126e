"""What every source can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    import numpy.typing as npt


class Source(Protocol):
    """Where pictures come from, one after the other."""

    name: str
    """What messages call it."""
    live: bool
    """Whether it goes on by itself, so that what is not taken at once is stale."""

    def frames(self) -> Generator[tuple[npt.NDArray[np.uint8], float]]:
        """Open the source and yield pictures, uint8 BGR, H x W x 3, each a fresh array, and their seconds.

        The time is the source's own clock, from any beginning: `time.perf_counter()` at arrival where it is
        live, the presentation time in a file. A source that is live is opened anew by the next call; closing
        the iterator closes the source.

        Raises:
            SourceError: it cannot be opened, is gone, or holds what is no 8-bit picture.
        """
        ...
