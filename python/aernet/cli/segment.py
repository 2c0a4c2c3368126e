"""`aernet-trt segment`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aernet.cli.bars import bars
from aernet.cli.outputs import CONTOURS, MASK, OVERLAY, name_outputs, with_ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.progress import Progress
    from rich.table import Table

    from aernet.segmenter import Segmenter

_PICTURE_ENDINGS = {"mask": MASK, "overlay": OVERLAY, "contours": CONTOURS}
_VIDEO_ENDINGS = {
    "masks": "_masks",
    "track": "_track.csv",
    "overlay": "_overlay.mp4",
    "contours": "_contours.jsonl",
}


def segment(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="Pictures, folders of pictures, and videos.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the outputs: <stem>_mask.png for a picture, at its size; "
            "<stem>_masks/000000.png and so on, and <stem>_track.csv, for a video.",
        ),
    ],
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay",
            help="Also draw <stem>_overlay.jpg, the picture with the lesion outlined; for a video .mp4.",
        ),
    ] = False,
    contours: Annotated[
        bool,
        typer.Option(
            "--contours",
            help="Also write <stem>_contours.json, the mask's outer borders in pixels; for a video .jsonl.",
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object an input, and nothing else, to stdout.")
    ] = False,
    model: Annotated[str, typer.Option(help="Bundled model, or the path of an ONNX file.")] = "aernet",
    threshold: Annotated[
        float | None, typer.Option(help="Least probability of a lesion pixel; by default the model's.")
    ] = None,
    keep: Annotated[
        Literal["largest", "all"], typer.Option(help="Keep all regions, or the largest, holes filled.")
    ] = "all",
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace outputs that exist, instead of skipping their inputs."),
    ] = False,
) -> None:
    """Find the lesion in pictures and videos: each gets a mask of its size, white on the lesion.

    If a run on a video was interrupted, the next run continues it.
    """
    from json import dumps

    from aernet.errors import FrameError, SourceError
    from aernet.segmenter import Segmenter
    from aernet.video.sources.videofile import VIDEO_SUFFIXES

    left_out = {kind for kind, asked in (("overlay", overlay), ("contours", contours)) if not asked}
    largest = keep == "largest"
    output_names = name_outputs(inputs, output)
    records: list[dict[str, Any]] = []
    with Segmenter(model, threshold=threshold) as segmenter, bars() as progress:
        for picture, name in progress.track(output_names.items(), description="Segmenting"):
            video = picture.suffix.lower() in VIDEO_SUFFIXES
            files = {
                kind: with_ending(name, ending)
                for kind, ending in (_VIDEO_ENDINGS if video else _PICTURE_ENDINGS).items()
                if kind not in left_out
            }
            record: dict[str, Any] = {"input": str(picture)}
            record |= {kind: str(file) for kind, file in files.items()}
            if not overwrite and all(file.is_file() for kind, file in files.items() if kind != "masks"):
                record["status"] = "skipped"
            else:
                try:
                    facts = (
                        _segment_video(segmenter, picture, files, progress, largest=largest, afresh=overwrite)
                        if video
                        else _segment_one(segmenter, picture, files, largest=largest)
                    )
                    record |= {"status": "done"} | facts
                except (FrameError, SourceError) as error:
                    message = str(error) if isinstance(error, SourceError) else f"{picture}: {error}"
                    record = {"input": str(picture), "status": "failed", "error": message}
                    progress.console.print(message)
            records.append(record)
            if json:
                typer.echo(dumps(record))
    progress.console.print(_summary(records))
    if any(record["status"] == "failed" for record in records):
        raise typer.Exit(1)


def _segment_one(
    segmenter: Segmenter, picture: Path, files: Mapping[str, Path], *, largest: bool
) -> dict[str, Any]:
    """Write the outputs of a picture and return its record for JSON."""
    from json import dumps

    import cv2

    from aernet.files import replacing
    from aernet.pictures import read_picture

    result = segmenter(read_picture(picture))
    if largest:
        result = result.largest()
    height, width = result.mask.shape
    facts: dict[str, Any] = {
        "width": width,
        "height": height,
        "area_fraction": result.area_fraction,
        "threshold": result.threshold,
        "model": segmenter.card.name,
        "latency_ms": round(result.latency_ms, 3),
    }
    for kind, file in files.items():
        if kind == "mask":
            content = cv2.imencode(".png", result.mask)[1].tobytes()
        elif kind == "overlay":
            content = cv2.imencode(".jpg", result.overlay())[1].tobytes()
        else:
            borders = [contour.tolist() for contour in result.contours()]
            content = dumps({"input": str(picture), **facts, "contours": borders}).encode()
        with replacing(file) as temporary:
            temporary.write_bytes(content)
    return facts


def _segment_video(
    segmenter: Segmenter,
    video: Path,
    files: Mapping[str, Path],
    progress: Progress,
    *,
    largest: bool,
    afresh: bool,
) -> dict[str, Any]:
    """Write the outputs of a video, with its own progress bar, and return its record for JSON."""
    from aernet.video.offline import segment_video
    from aernet.video.sources.videofile import VideoFile

    task = progress.add_task(video.name, total=VideoFile(video).count())
    try:
        return segment_video(
            segmenter, video, files, largest=largest, afresh=afresh, on_frame=lambda: progress.advance(task)
        )
    finally:
        progress.remove_task(task)


def _summary(records: list[dict[str, Any]]) -> Table:
    from statistics import median

    from rich.table import Column, Table

    count = Counter(record["status"] for record in records)
    latencies = [record["latency_ms"] for record in records if record.get("latency_ms")]
    inputs = "inputs" if any("masks" in record for record in records) else "pictures"
    columns = (inputs, "done", "skipped", "failed", "median latency")
    counts = (len(records), count["done"], count["skipped"], count["failed"])
    table = Table(*(Column(name, justify="right") for name in columns))
    table.add_row(*map(str, counts), f"{median(latencies):.1f} ms" if latencies else "-")
    if count["skipped"]:
        table.caption = "skipped: the outputs exist; --overwrite replaces them"
    return table
