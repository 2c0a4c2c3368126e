"""`aernet-trt segment`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from aernet.cli.bars import bars, watched
from aernet.cli.options import Border, Device, Formats, Model, Threshold
from aernet.cli.text import printable
from aernet.models import DEFAULT
from aernet.regions import Keep


def segment(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            show_default=False,
            help="Pictures, videos, folders of them, globs, addresses (http, https), or - for a picture on"
            " the standard input.",
        ),
    ] = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the outputs: <stem>_mask.png for a picture, at its size; "
            "<stem>_masks/000000.png and so on, and <stem>_track.csv, for a video.",
        ),
    ],
    from_file: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="File that names further inputs, one a line; - is the standard input. As of 'find -print0',"
            " a zero byte may stand behind each instead.",
        ),
    ] = None,
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
    formats: Formats = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write a table with a line for each input: .csv, line by line as they are done, or"
            " .parquet in the end.",
        ),
    ] = None,
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
    keep: Annotated[Keep, typer.Option(help="Keep all regions, or the largest, holes filled.")] = "all",
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace all outputs that exist, instead of skipping what is done."),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many inputs are read, segmented and written at once; by default as many as there are"
            " processor cores.",
            show_default=False,
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Segment pictures on the machines of the Ray cluster with this HOST:PORT; auto is the one"
            " that runs on this machine.",
        ),
    ] = None,
) -> None:
    """Find the lesion in pictures and videos: each gets a mask of its size, white on the lesion.

    Of a folder and its subfolders all pictures and videos are taken; the rest is left out, which is told in
    the end. Outputs lie below the output folder as inputs lie below the folder that was given. Where two
    inputs would share a name, both keep their suffix in it (a.jpg_mask.png, a.png_mask.png), or, where that
    is the same, the folder that they came from (x/a_mask.png, y/a_mask.png). The mask of the standard input
    is stdin_mask.png.

    The next run continues one that was interrupted, even within a video: a journal in the output folder tells
    what is done, of which content, by which model and with which options. With others the outputs are made
    again, and the summary says why. One run at a time writes into a folder.
    """
    from json import dumps

    from aernet.archive import Archive, Settings
    from aernet.cli.file_list import all_inputs
    from aernet.cli.summary import Tally, left_out_lines

    archive = Archive(all_inputs(inputs or [], from_file), output)
    settings = Settings(
        kinds=[*(["overlay"] * overlay), *(["contours"] * contours), *(one.value for one in formats or [])],
        table=table,
        model=model,
        device=device,
        threshold=threshold,
        border=border,
        keep=keep,
        overwrite=overwrite,
        described=json,
        jobs=jobs,
    )
    tally = Tally()
    with ExitStack() as stack:
        machines = None
        if ray is not None and len(archive) > 0:
            from aernet.scale import Cluster

            machines = stack.enter_context(Cluster(ray, settings))
        progress = stack.enter_context(bars())
        rows = archive.segment(settings, partial(watched, progress), machines)
        stream = stack.enter_context(closing(rows))
        bar = progress.add_task("Segmenting", total=len(archive))
        for number, row in enumerate(stream):
            tally.add(row)
            if json:
                typer.echo(dumps(row))
            if number < len(archive):
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
    for line in tally.again_lines():
        progress.console.print(line)
    progress.console.print(tally.summary())
    if tally.has_errors:
        raise typer.Exit(1)
