"""`aernet-trt models`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aernet.cli.cards import card_rows, metrics

if TYPE_CHECKING:
    from rich.table import Table

    Described = dict[str, Any]


def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="Bundled model or ONNX file, to show all of its card."),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print the cards as a JSON list to stdout; one model's as an object."),
    ] = False,
) -> None:
    """List the models that come with the package, or show the card of one."""
    from json import dumps

    from rich.console import Console

    from aernet.errors import ModelError
    from aernet.models import DEFAULT, bundled_models, resolve_model

    if name is not None:
        model = _described(resolve_model(name))
        if json:
            typer.echo(dumps(model, indent=2))
        else:
            Console(highlight=False).print(_card(model))
        return
    listed = [_described(path) for path in bundled_models().values()]
    listed.sort(key=lambda model: model["name"] != DEFAULT)
    if json:
        typer.echo(dumps(listed, indent=2))
        return
    if not listed:
        raise ModelError(
            "no model came with this package; install it again, or name an ONNX file with --model"
        )
    console = Console(highlight=False)
    console.print(_table(listed))
    console.print(
        "Jaccard: of pictures that the model has not seen; 'aernet-trt models NAME' tells of which."
    )


def _described(path: Path) -> Described:
    from msgspec import to_builtins

    from aernet.runners.choice import open_runner

    return {**to_builtins(open_runner(path, "cpu").card), "path": str(path), "bytes": path.stat().st_size}


def _table(models: list[Described]) -> Table:
    from rich.table import Column, Table
    from rich.text import Text

    from aernet.models import DEFAULT

    table = Table(
        Column("model", no_wrap=True),
        Column("file", justify="right", no_wrap=True),
        Column("Jaccard", justify="right", no_wrap=True),
        Column("licence", overflow="fold"),
    )
    for model in models:
        name = f"{model['name']} (default)" if model["name"] == DEFAULT else model["name"]
        licence, _, _ = model["licence"].partition(";")
        jaccard = dict(metrics(model)).get("jaccard", "-").partition(" ")[0]
        table.add_row(Text(name), _megabytes(model), jaccard, Text(licence))
    return table


def _card(model: Described) -> Table:
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(Column(no_wrap=True), Column(overflow="fold"), show_header=False)
    for name, value in card_rows(model):
        table.add_row(name, Text(value))
    table.add_row("file", Text(f"{model['path']}, {_megabytes(model)}"))
    return table


def _megabytes(model: Described) -> str:
    return f"{model['bytes'] / 1e6:.1f} MB"
