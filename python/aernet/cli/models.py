"""`aernet-trt models`."""

from __future__ import annotations

from typing import Annotated

import typer


def models(
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list to stdout.")] = False,
) -> None:
    """List the models that come with the package."""
    from json import dumps

    from msgspec import to_builtins
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from aernet.errors import ModelError
    from aernet.models import bundled_models
    from aernet.runners.choice import open_runner

    listed = [
        {**to_builtins(open_runner(path, "cpu").card), "path": str(path), "bytes": path.stat().st_size}
        for path in bundled_models().values()
    ]
    if json:
        typer.echo(dumps(listed, indent=2))
        return
    if not listed:
        raise ModelError(
            "no model came with this package; install it again, or name an ONNX file with --model"
        )
    for model in listed:
        table = Table(show_header=False)
        for name, value in model.items():
            table.add_row(
                name.replace("_", " "), Text(dumps(value) if isinstance(value, dict) else str(value))
            )
        Console().print(table)
