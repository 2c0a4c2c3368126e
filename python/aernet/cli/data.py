"""`aernet-trt data`: fetch, check, split."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aernet.cli.bars import bars
from aernet.cli.flags import Command, Group
from aernet.cli.options import MaskSuffix
from aernet.data.archives import ADDRESS
from aernet.pairs import MASK_ENDING

if TYPE_CHECKING:
    from rich.table import Table

    from aernet.data.check import Problem

data = typer.Typer(name="data", cls=Group, help="Download, check and split pictures with masks.")


@data.callback(invoke_without_command=True)
def _list(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


class Part(str, Enum):
    training = "training"
    validation = "validation"
    test = "test"


_Folder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER",
        help="Folder with pairs or with official archives of ISIC 2018, or a zip file of pairs.",
    ),
]


@data.command(cls=Command)
def fetch(
    dataset: Annotated[
        Literal["isic2018"], typer.Argument(metavar="DATASET", help="What to download: isic2018.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the zip files.")],
    parts: Annotated[
        list[Part],
        typer.Option(help="Part to download; may be given several times. The training part has 11.2 GB."),
    ] = [Part.training],  # noqa: B006 - Typer copies it
    mirror: Annotated[
        str, typer.Option(metavar="URL", help="Address of a folder on the web with the same files.")
    ] = ADDRESS,
) -> None:
    """Download the official archives, continue an earlier download, and check them."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from aernet.data.archives import ARCHIVES
    from aernet.data.fetch import fetch as run

    archives = [archive for part in parts for archive in ARCHIVES[dataset][part.value]]
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with bars(*columns, TimeRemainingColumn()) as progress:
        paths = run(archives, output, mirror, progress)
    for path in paths:
        typer.echo(path)


@data.command(cls=Command)
def check(
    folder: _Folder,
    split: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the columns image_id and subset, instead of the folder's own"
            " isic2018_split.csv or split.csv."
        ),
    ] = None,
    mask_suffix: MaskSuffix = MASK_ENDING,
    json: Annotated[bool, typer.Option("--json", help="Flag: print a JSON object to stdout.")] = False,
) -> None:
    """Look for unusable pairs and for lesions in two subsets; exit with 1 if there are any."""
    from dataclasses import asdict
    from json import dumps

    from rich.console import Console

    from aernet.data.check import check as run
    from aernet.data.sources import find_table

    with bars() as progress:
        report = run(folder, split or find_table(folder), progress, mask_ending=mask_suffix)
    if json:
        typer.echo(dumps(asdict(report), indent=2))
    else:
        if report.problems:
            Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(_table(report.problems))
        typer.echo(
            f"{len(report.image_ids)} usable pairs; {len(report.same_lesion)} times two pictures show one"
            f" lesion; {len(report.problems) or 'no'} problems"
        )
    if report.problems:
        raise typer.Exit(1)


@data.command(cls=Command)
def split(
    folder: _Folder,
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write: image_id, subset.")],
    validation: Annotated[
        int | None,
        typer.Option(
            min=0, help="Pictures to choose thresholds and checkpoints on; else a tenth, 200 at most."
        ),
    ] = None,
    test: Annotated[
        int | None,
        typer.Option(min=0, help="Pictures for the final figures only; else a fifth, 500 at most."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    lesions: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the columns image_id and lesion_id; without it, pictures are compared."
        ),
    ] = None,
    mask_suffix: MaskSuffix = MASK_ENDING,
) -> None:
    """Assign pictures to train, val and test; pictures of one lesion stay together."""
    from collections import Counter

    from aernet.data.sources import find_sources
    from aernet.data.split import known_lesions, usual_test, usual_validation, write_split
    from aernet.data.split import split as run
    from aernet.files import replacing
    from aernet.pairs import find_pairs

    if lesions is None:
        image_ids, same_lesion = _examined(folder, mask_suffix)
    else:
        image_ids = [
            pair.image_id
            for images, masks in find_sources(folder)
            for pair in find_pairs(images, masks, mask_ending=mask_suffix)
        ]
        same_lesion = known_lesions(lesions, image_ids)
    if validation is None:
        validation = usual_validation(len(image_ids))
    if test is None:
        test = usual_test(len(image_ids))
    subset_of = run(image_ids, same_lesion, validation=validation, test=test, seed=seed)
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        write_split(subset_of, file)
    sizes = Counter(subset_of.values())
    typer.echo(f"{output}: " + ", ".join(f"{sizes[name]} {name}" for name in ("train", "val", "test")))


def _examined(folder: Path, mask_suffix: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the pictures of a folder that has no unusable pair, and those that show the same lesion."""
    from aernet.data.check import check as examine
    from aernet.errors import SourceError

    with bars() as progress:
        report = examine(folder, None, progress, mask_ending=mask_suffix)
    usable = set(report.image_ids)
    unusable = [problem for problem in report.problems if not usable.issuperset(problem.image_ids)]
    if unusable:
        raise SourceError(
            f"{folder}: {len(unusable)} of its files keep it from being split, such as {unusable[0].detail};"
            " `aernet-trt data check` lists all"
        )
    return report.image_ids, report.same_lesion


def _table(problems: list[Problem]) -> Table:
    """Return one row for each kind of problem: how many there are, and the first few."""
    from rich.table import Column, Table
    from rich.text import Text

    from aernet.cli.text import printable

    table = Table("problem", Column("times", justify="right"), "such as")
    details: dict[str, list[str]] = {}
    for problem in problems:
        details.setdefault(problem.kind, []).append(problem.detail)
    for kind, those in details.items():
        examples = "\n".join(map(printable, those[:3])) + ("\n..." if len(those) > 3 else "")
        table.add_row(kind, str(len(those)), Text(examples))
    return table
