"""`aernet-trt live`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aernet.cli.options import Border, Device, MmPerPixel, Model, Threshold
from aernet.models import DEFAULT
from aernet.regions import Keep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from aernet.video import Pipeline, Status
    from aernet.video.sources.base import Source
    from aernet.viewer import Viewer


def live(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Camera (0, v4l2:///dev/video0, csi://0), rtsp://..., a GStreamer pipeline (with ' ! '), a "
            "video, a picture, a folder of pictures, or test://, a synthetic dermatoscope.",
        ),
    ] = None,
    view: Annotated[
        Literal["window", "web", "none"] | None,
        typer.Option(
            help="Show it in a window (the default if there is a display), on a web page, or not at all."
        ),
    ] = None,
    record: Annotated[
        list[Path] | None,
        typer.Option(
            help="Record to .mp4 the picture with the lesion outlined, to .mkv the masks without loss, "
            "to a folder the masks as PNG. May be given several times."
        ),
    ] = None,
    track: Annotated[
        Path | None, typer.Option(help="Write area, diameter and centre over time: .csv or .jsonl.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="End after this many seconds.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of --view web; 0 takes any free port.")
    ] = 8400,
    host: Annotated[
        str,
        typer.Option(
            help="Address of --view web. If other machines reach it, as with 0.0.0.0, the page needs the "
            "token in the printed address."
        ),
    ] = "127.0.0.1",
    mm_per_pixel: MmPerPixel = None,
    smooth: Annotated[
        bool, typer.Option("--smooth/--no-smooth", help="Smooth the outline over time.")
    ] = True,
    model: Model = DEFAULT,
    device: Device = "auto",
    threshold: Threshold = None,
    border: Border = None,
    keep: Annotated[Keep, typer.Option(help="Keep all regions, or the largest, holes filled.")] = "all",
) -> None:
    """Outline the lesion in live video, until Ctrl-C or the end of the file."""
    from contextlib import nullcontext

    import cv2
    from rich.console import Console

    from aernet.measure.scale import as_scale
    from aernet.segmenter import Segmenter
    from aernet.video.sinks import Track, open_recording
    from aernet.video.sinks.window import has_display
    from aernet.video.sources import open_source
    from aernet.video.sources.camera import present_cameras

    if not source:
        raise typer.BadParameter(
            f"SOURCE: name one; cameras here: {', '.join(present_cameras()) or 'none'}; without a camera,"
            " test:// or a video"
        )
    if mm_per_pixel is not None:
        as_scale(mm_per_pixel)
    opened = open_source(source)
    _refuse_to_overwrite(opened, [*(record or []), *([track] if track else [])])
    console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    _log_to(console)
    cv2.setNumThreads(1)  # the pipeline's threads fill the cores; OpenCV's would wait for each other
    with Segmenter(model, device, threshold=threshold, border=border, keep=keep) as segmenter:
        with segmenter.stream(opened, smooth=smooth) as pipeline, _stopped_by_ctrl_c(pipeline):
            for path in record or []:
                pipeline.add(open_recording(path))
            if track is not None:
                pipeline.add(Track(track, mm_per_pixel))
            shown = view or ("window" if has_display() else "none")
            if not (view or has_display() or record or track):
                console.print("aernet-trt: no display, so nothing is shown; --view web serves a page")
            with _serve(pipeline, host, port, mm_per_pixel, console) if shown == "web" else nullcontext():
                _watch(pipeline, shown, duration, console)
        status = pipeline.status()
    console.print(_summary(status))
    if status.failures:
        raise typer.Exit(1)


@contextmanager
def _stopped_by_ctrl_c(pipeline: Pipeline) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM stop the pipeline, which records its last results; a second one aborts.

    A KeyboardInterrupt would be lost if it arose in a callback of an import or of the garbage collector.
    """
    import signal
    from threading import Thread

    def stop(*_arguments: object) -> None:
        for number in before:
            signal.signal(number, signal.default_int_handler)
        Thread(target=pipeline.stop, daemon=True).start()  # the interrupted thread may hold its locks

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refuse_to_overwrite(source: Source, outputs: list[Path]) -> None:
    """Raise an error if an output would overwrite the source, another output or an earlier recording."""
    from aernet.errors import AernetError
    from aernet.video.sources.pictures import PictureSequence

    read = {Path(source.name).resolve()}
    if isinstance(source, PictureSequence):
        read |= {picture.resolve().parent for picture in source.paths}
    written = set()
    for path in outputs:
        if path.resolve() in read:
            raise AernetError(f"{path}: is the source itself; write somewhere else")
        if path.resolve() in written:
            raise AernetError(f"{path}: is named twice; write each to a place of its own")
        if any(path.iterdir()) if path.is_dir() else path.is_file() and path.stat().st_size:
            raise AernetError(f"{path}: is there already; give it another name, or remove it first")
        written.add(path.resolve())


def _watch(pipeline: Pipeline, view: str, duration: float | None, console: Console) -> None:
    """Run the pipeline until it ends, the window is closed or the time is over."""
    from contextlib import closing, nullcontext
    from threading import Timer

    from rich.live import Live

    from aernet.video.sinks.window import Window
    from aernet.video.sources.pictures import PictureSequence

    line = Live(
        get_renderable=lambda: _line(pipeline.status()),
        console=console,
        transient=True,
        redirect_stdout=False,
    )
    timer = Timer(duration or 0, pipeline.stop)
    timer.daemon = True
    if duration is not None:
        timer.start()
    with (
        closing(Window()) if view == "window" else nullcontext() as window,
        line if console.is_terminal else nullcontext(),
    ):
        for result in pipeline:
            if window is not None and not window.show(result):
                break
        else:
            source = pipeline.source
            if window and duration is None and isinstance(source, PictureSequence) and len(source.paths) == 1:
                window.wait()
    timer.cancel()


def _serve(pipeline: Pipeline, host: str, port: int, mm_per_pixel: float | None, console: Console) -> Viewer:
    """Make the viewer, and print the address of its page."""
    from aernet.viewer import Viewer

    viewer = Viewer(pipeline, host, port, mm_per_pixel=mm_per_pixel)
    console.print(f"open {viewer.url}")
    return viewer


def _log_to(console: Console) -> None:
    """Print each warning of the package as one line."""
    import logging

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.print(f"aernet-trt: {record.getMessage()}")

    logging.getLogger("aernet").addHandler(Lines(logging.WARNING))


def _line(status: Status) -> str:
    if not status.connected:
        return "waiting for the source"
    return (
        f"{status.state.value}: {status.fps:.1f} frames a second, {status.latency_ms_p50:.0f} ms, "
        f"{status.dropped} dropped; Ctrl-C ends it"
    )


def _summary(status: Status) -> Table:
    from rich.table import Column, Table

    columns = ("frames", "dropped", "a second", "latency p50", "p99")
    table = Table(*(Column(name, justify="right") for name in columns))
    table.add_row(
        str(status.results),
        str(status.dropped),
        f"{(status.results - 1) / status.seconds:.1f}" if status.seconds else "-",
        f"{status.latency_ms_p50:.1f} ms",
        f"{status.latency_ms_p99:.1f} ms",
    )
    return table
