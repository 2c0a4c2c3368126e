"""The interface of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator

    from aernet.video.frame import VideoFrame

    Frames: TypeAlias = Generator[tuple[VideoFrame | None, float]]
    """Frames with their times in seconds, as `Source.frames` yields them; None for a damaged frame."""


class Source(Protocol):
    """Delivers frames one after the other."""

    name: str
    """The name of the source in messages."""
    live: bool
    """Whether frames keep coming unasked, as from a camera, so that an old one is stale."""

    def frames(self) -> Frames:
        """Open the source and yield frames with their times in seconds.

        A frame is a fresh uint8 BGR array, H x W x 3, or an `Nv12Frame`, which is converted to BGR only
        where a sink shows it. None stands for a frame of the source that is damaged: it is left out, and the
        frames after it keep their numbers.

        The time is `time.perf_counter()` at arrival for a live source, and the presentation time for a file;
        it may start anywhere. Each call opens the source anew; closing the iterator closes it. Where the
        frames end, the source has no more; a camera that goes away raises SourceError.

        Raises:
            SourceError: the source cannot be opened, goes away, or gives no 8-bit pictures.
        """
        ...
