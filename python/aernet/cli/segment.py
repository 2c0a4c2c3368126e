"""`aernet-trt segment`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from aernet.cli.bars import bars, watched
from aernet.cli.options import Border, Device, Model, Threshold
from aernet.cli.text import printable
from aernet.models import DEFAULT


def segment(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Pictures, videos, folders of them, globs, addresses (http, https), or - for a picture on"
            " the standard input.",
        ),
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
        bool,
        typer.Option(
            "--json",
            help="Flag: print one JSON object for each input, and for all that is left out, to stdout.",
        ),
    ] = False,
    model: Model = DEFAULT,
    device: Device = "auto",
    threshold: Threshold = None,
    border: Border = None,
    keep: Annotated[
        Literal["largest", "all"], typer.Option(help="Keep all regions, or the largest, holes filled.")
    ] = "all",
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace outputs that exist, instead of skipping their inputs."),
    ] = False,
) -> None:
    """Find the lesion in pictures and videos: each gets a mask of its size, white on the lesion.

    Of a folder and its subfolders all pictures and videos are taken; the rest is left out, which is told in
    the end. Outputs lie below the output folder as inputs lie below the folder that was given. Where two
    inputs would share a name, both keep their suffix in it (a.jpg_mask.png, a.png_mask.png), or, where that
    is the same, the folder that they came from (x/a_mask.png, y/a_mask.png). The mask of the standard input
    is stdin_mask.png.

    If a run on a video was interrupted, the next run continues it.
    """
    from json import dumps

    from aernet.archive import Archive, Settings
    from aernet.cli.summary import left_out_lines, summary

    archive = Archive(inputs, output)
    settings = Settings(
        kinds=[*(["overlay"] * overlay), *(["contours"] * contours)],
        model=model,
        device=device,
        threshold=threshold,
        border=border,
        keep=keep,
        overwrite=overwrite,
        described=json,
    )
    rows: list[dict[str, Any]] = []
    with bars() as progress:
        bar = progress.add_task("Segmenting", total=len(archive))
        for row in archive.segment(settings, partial(watched, progress)):
            rows.append(row)
            if json:
                typer.echo(dumps(row))
            if len(rows) <= len(archive):
                progress.advance(bar)
                if "error" in row:
                    progress.console.print(printable(row["error"]))
    if len(archive) == 0:
        *told, last = archive.unusable.values() or [archive.nothing_found()]
        typer.echo("".join(f"{printable(str(error))}\n" for error in told), err=True, nl=False)
        raise last
    for line in (
        *(printable(str(error)) for error in archive.unusable.values()),
        *left_out_lines(archive.left_out),
    ):
        progress.console.print(line)
    progress.console.print(summary(rows))
    if any("error" in row for row in rows):
        raise typer.Exit(1)
