"""`aernet-trt reproduce`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class TableName(str, Enum):
    table1 = "table1"
    table2 = "table2"
    colour = "colour"


class RecipeName(str, Enum):
    paper = "paper"
    good = "good"


def reproduce(
    table: Annotated[
        list[TableName],
        typer.Argument(
            metavar="TABLE",
            help="Encoders (table1), from U-Net to AER-Net (table2), colour spaces (colour).",
        ),
    ],
    data: Annotated[
        Path, typer.Option(help="Folder with the ISIC 2018 pairs (folders or zips) and isic2018_split.csv.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the report and of all runs.")],
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data, instead of the paper's 100.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=32, help="Side of the pictures in pixels, a multiple of 32, instead of the paper's 256."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often each network is trained.")] = 1,
    recipe: Annotated[
        list[RecipeName] | None, typer.Option(help="The recipe to train with, instead of both.")
    ] = None,
    row: Annotated[
        list[str] | None, typer.Option(help='A row to train, such as "AER-Net", instead of all.')
    ] = None,
    encoder_weights: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="ImageNet weights as timm state dicts: a file for EfficientNet-B1, or a folder with "
            "<timm name>.pth for each encoder.",
        ),
    ] = None,
    fetch: Annotated[
        bool,
        typer.Option(
            help="Whether timm downloads the other weights; else those encoders start from random ones."
        ),
    ] = True,
) -> None:
    """Train and measure the rows of the paper's tables, and write report.md and report.html.

    Finished runs are kept, and interrupted ones continue. The report always shows every row of the named
    tables, and is written again after each run.
    """
    from functools import partial

    from aernet.data.sources import require_table
    from aernet.reproduction.reproduce import reproduce as run
    from aernet.reproduction.runs import Study
    from aernet.reproduction.tables import RECIPES, TABLES

    study = Study(output, epochs, size, seeds, encoder_weights, fetch)
    tables = [one for one in TABLES if one.name in table]
    recipes = [one for one in RECIPES if recipe is None or one.name in recipe]
    # Imported last: where all is missing, what trains is named, whose extra brings what reports.
    from aernet.reproduction.report import write_report

    report = partial(write_report, study, tables, require_table(data).name)
    run(study, tables, data, report, recipes=recipes, titles=row)
    typer.echo(f"report {output / 'report.html'}")
