"""`aernet-trt segment`."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aernet.cli.bars import bars
from aernet.cli.options import Border, Device, Model, Threshold
from aernet.cli.text import printable
from aernet.errors import AernetError, OutputError, SourceError
from aernet.models import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aernet.cli.inputs import Input
    from aernet.cli.segmenting import Segmenting
    from aernet.inputs import LeftOut

# A full disk or quota, a disk that is read-only or broken.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS, errno.EIO}


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
    from functools import partial
    from json import dumps

    from aernet.cli.inputs import find_inputs, nothing_found
    from aernet.cli.outputs import is_earlier_output, name_outputs
    from aernet.cli.segmenting import Segmenting
    from aernet.cli.summary import left_out_lines, summary
    from aernet.segmenter import Segmenter

    records: list[dict[str, Any]] = []

    def note(record: dict[str, Any]) -> None:
        records.append(record)
        if json:
            typer.echo(dumps(record))

    found, left_out, unusable = find_inputs(inputs, partial(is_earlier_output, folder=output.resolve()))
    names = name_outputs(found, output)
    kinds = {"mask", "masks", "track", *(["overlay"] * overlay), *(["contours"] * contours)}
    if names:
        with Segmenter(model, device, threshold=threshold, border=border) as segmenter, bars() as progress:
            segmenting = Segmenting(
                segmenter,
                kinds,
                progress,
                largest=keep == "largest",
                afresh=overwrite,
                described=json or contours,
            )
            for item, name in progress.track(names.items(), description="Segmenting"):
                record = _attempt(segmenting, item, name, output, f"{len(records)} of {len(names)}")
                note(record)
                if "error" in record:
                    progress.console.print(printable(record["error"]))
    for record in _not_tried(unusable, left_out):
        note(record)
    if not names:
        *told, last = unusable.values() or [nothing_found(inputs, left_out)]
        typer.echo("".join(f"{printable(str(error))}\n" for error in told), err=True, nl=False)
        raise last
    for line in (*(printable(str(error)) for error in unusable.values()), *left_out_lines(left_out)):
        progress.console.print(line)
    progress.console.print(summary(records))
    if any("error" in record for record in records):
        raise typer.Exit(1)


def _not_tried(unusable: Mapping[str, SourceError], left_out: Sequence[LeftOut]) -> Iterator[dict[str, Any]]:
    """Yield the records of inputs that name nothing that can be read, and of what folders left out."""
    from aernet.video.sources.network import without_password

    for text, error in unusable.items():
        yield {"input": without_password(text), "status": "failed", "error": str(error)}
    for thing in left_out:
        yield {"input": str(thing.path), "status": "left out", "reason": thing.reason}


def _attempt(segmenting: Segmenting, item: Input, name: Path, output: Path, done: str) -> dict[str, Any]:
    """Return the record of an input, which may have failed by itself.

    Raises:
        AernetError: something is wrong that lets all inputs fail.
    """
    try:
        return segmenting(item, name)
    except (AernetError, OSError, MemoryError) as error:
        if _concerns_all(item, error, output):
            raise AernetError(f"{error}; stopped after {done} inputs, as all would fail") from error
        return {"input": item.name, "status": "failed", "error": _reason(item, error)}


def _reason(item: Input, error: Exception) -> str:
    """Return why an input failed, in one sentence that names it."""
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{item.name}: takes more memory than there is"
    if isinstance(error, OSError):
        return f"{item.name}: cannot be read ({error.strerror})"
    if isinstance(error, OutputError) and getattr(error.__cause__, "errno", None) == errno.ENAMETOOLONG:
        return f"{item.name}: {error}; give it a shorter name"
    return str(error) if str(error).startswith(f"{item.name}: ") else f"{item.name}: {error}"


def _concerns_all(item: Input, error: Exception, output: Path) -> bool:
    """Tell whether the other inputs would fail too: nothing can be written, or the model's device fails."""
    import tempfile

    if isinstance(error, OutputError):
        if getattr(error.__cause__, "errno", None) in _FULL:
            return True
        try:
            output.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=output).close()
        except OSError:
            return True
        return False
    # What else is wrong with a video, such as a missing PyAV, is none of the pictures' concern.
    return type(error) is AernetError and not item.is_video
