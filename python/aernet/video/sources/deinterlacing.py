"""Interlaced frames, whose odd and even rows show two moments."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av import VideoFrame


def deinterlaced(frames: Iterable[VideoFrame | None]) -> Iterator[VideoFrame | None]:
    """Yield each frame with the rows of one moment; those that are not flagged as interlaced as they are.

    None, in place of a frame that is damaged, is passed on.

    From the first interlaced frame on, a frame is yielded when the next one is there, for FFmpeg's bwdif
    looks at both its neighbours.
    """
    graph: Any = None
    layout = None
    for frame in frames:
        if graph is not None and (frame is None or layout != _layout(frame)):
            yield from _pulled(graph, None)
            graph = None
        if graph is None and frame is not None and frame.interlaced_frame:
            graph, layout = _graph(frame), _layout(frame)
        if graph is None:
            yield frame
        else:
            yield from _pulled(graph, frame)
    if graph is not None:
        yield from _pulled(graph, None)


def _layout(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


def _graph(frame: VideoFrame) -> Any:
    from av.filter import Graph  # noqa: PLC0415 - optional

    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(
        source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    ).configure()
    return graph


def _pulled(graph: Any, frame: VideoFrame | None) -> Iterator[VideoFrame]:
    """Push a frame, or None at the end, and yield what the filter has finished."""
    graph.vpush(frame)
    with suppress(BlockingIOError, EOFError):  # it wants the next frame, or has given the last
        while True:
            yield graph.vpull()
