"""`aernet-trt measure`."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aernet.cli.bars import bars, watched
from aernet.cli.options import Border, Device, MaskSuffix, MmPerPixel, Model, Threshold, refuse_beside
from aernet.cli.text import printable
from aernet.models import DEFAULT
from aernet.pairs import MASK_ENDING
from aernet.regions import Keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from aernet.archive.inputs import Found
    from aernet.borders import BorderName
    from aernet.cli.measuring import Measurer
    from aernet.errors import SourceError


def measure(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Pictures, folders of them, globs, addresses (http, https), or - for a picture on the"
            " standard input.",
        ),
    ],
    table: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write a row for each picture, with all measurements."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Flag: print one JSON object for each picture to stdout.")
    ] = False,
    mm_per_pixel: MmPerPixel = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for <stem>_figure.jpg: outline, diameters and axes on the picture, numbers beside.",
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder or zip file of masks, such as experts', to measure instead of a model's.",
        ),
    ] = None,
    mask_suffix: MaskSuffix = MASK_ENDING,
    model: Model = DEFAULT,
    device: Device = "auto",
    threshold: Threshold = None,
    border: Border = None,
    keep: Annotated[Keep, typer.Option(help="Measure all regions, or the largest, holes filled.")] = "all",
) -> None:
    """Measure the lesion in pictures: size, asymmetry, border and colours. Never a diagnosis, and no score.

    Sizes are in pixels, and in millimetres too with --mm-per-pixel, or where DICOM states its Pixel Spacing.
    Structures, the D of the ABCD rule, are not measured. Without --table and --json a short table is shown.
    Of a source no more than the file's name comes into tables and JSON.
    """
    from json import dumps

    from rich.console import Console

    from aernet.archive.outputs import name_outputs
    from aernet.cli.measure_table import short_table, write_table
    from aernet.cli.measuring import Measuring
    from aernet.result_files import FIGURE

    if masks is not None:
        refuse_beside(context, ("model", "device", "threshold", "border"), "for a model, not beside --masks")
    else:
        refuse_beside(context, ("mask_suffix",), "goes with --masks")
    _check(table, mm_per_pixel)
    found = _pictures(inputs, figure)
    rows: list[dict[str, Any]] = []
    names = name_outputs(found.files, figure or Path())
    with ExitStack() as stack, bars() as progress:
        measuring = Measuring(
            _measurer(stack, masks, mask_suffix, model, device, threshold, border, keep),
            mm_per_pixel,
            partial(watched, progress),
        )
        for item, name in progress.track(names.items(), description="Measuring"):
            drawn = figure and name.with_name(name.name + FIGURE)
            row = measuring(item, drawn, f"{len(rows)} of {len(names)}")
            rows.append(row)
            if "error" in row:
                progress.console.print(printable(row["error"]))
                row["error"] = row["error"].replace(item.name, row["file"])
            if json:
                typer.echo(dumps(row))
    for row in _unusable(found):
        rows.append(row)
        if json:
            typer.echo(dumps(row))
    _tell_the_rest(progress.console, found)
    measured = [row for row in rows if row["status"] == "measured"]
    if table is not None:
        write_table(table, rows)
    elif measured and not json:
        Console(highlight=False, markup=False, emoji=False).print(short_table(measured))
    if any("error" in row for row in rows):
        raise typer.Exit(1)


def _check(table: Path | None, mm_per_pixel: float | None) -> None:
    """Raise an error at once where the table could not be written in the end, or millimetres not be told."""
    from aernet.files import require_writable
    from aernet.measure.scale import as_scale

    if mm_per_pixel is not None:
        as_scale(mm_per_pixel)
    if table is not None:
        if table.suffix.lower() != ".csv":
            raise typer.BadParameter(f"--table: {table}: expected a file that is called .csv")
        require_writable(table.parent)


def _pictures(inputs: Sequence[str], figures: Path | None) -> Found:
    """Return the pictures that inputs name; a video is left out.

    Raises:
        SourceError: there is none.
    """
    from aernet.archive.inputs import Found, find_inputs
    from aernet.archive.outputs import is_earlier_output
    from aernet.inputs import LeftOut

    found = find_inputs(inputs, lambda path: figures is not None and is_earlier_output(path, figures))
    videos = [
        LeftOut(Path(item.name), "video", "`aernet-trt segment` measures each frame of a video")
        for item in found.files
        if item.is_video
    ]
    pictures = [item for item in found.files if not item.is_video]
    found = Found(pictures, sorted([*found.left_out, *videos]), found.failed)
    if not pictures:
        *told, last = found.failed.values() or [_no_picture(inputs, found)]
        typer.echo("".join(f"{printable(str(error))}\n" for error in told), err=True, nl=False)
        raise last
    return found


def _tell_the_rest(console: Console, found: Found) -> None:
    """Print which inputs name nothing, and what was left out of folders."""
    from aernet.cli.summary import left_out_lines

    unusable = (printable(str(error)) for error in found.failed.values())
    for line in (*unusable, *left_out_lines(found.left_out)):
        console.print(line)


def _unusable(found: Found) -> Iterator[dict[str, Any]]:
    """Yield the rows of inputs that name nothing which can be read."""
    from aernet.video.sources.network import without_password

    for text, error in found.failed.items():
        named = without_password(text)
        name = Path(named).name
        yield {"file": name, "status": "failed", "error": str(error).replace(named, name)}


def _no_picture(inputs: Sequence[str], found: Found) -> SourceError:
    from aernet.cli.summary import left_out_lines
    from aernet.errors import SourceError

    where = inputs[0] if len(inputs) == 1 else f"{inputs[0]} and {len(inputs) - 1} more"
    return SourceError(f"{where}: holds no picture; {'; '.join(left_out_lines(found.left_out))}")


def _measurer(
    stack: ExitStack,
    masks: Path | None,
    mask_suffix: str,
    model: str,
    device: str,
    threshold: float | None,
    border: BorderName | None,
    keep: Keep,
) -> Measurer:
    from aernet.cli.measuring import ByMasks, ByModel
    from aernet.segmenter import Segmenter

    if masks is not None:
        return ByMasks(masks, mask_suffix, largest=keep == "largest")
    segmenter = Segmenter(model, device, threshold=threshold, border=border, keep=keep)
    return ByModel(stack.enter_context(segmenter))
