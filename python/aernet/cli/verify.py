"""`aernet-trt verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(
    engine: Annotated[Path, typer.Argument(help="Engine, with its manifest beside it.")],
    against: Annotated[
        str | None, typer.Option(help="Bundled model or ONNX file; else the one that it was built from.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Picture, or folder of pictures; else the bundled ones.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON to stdout.")] = False,
) -> None:
    """Compare an engine on the GPU with its FP32 model on the CPU, and note the result in its manifest."""
    from json import dumps

    from msgspec import to_builtins

    from aernet.engine.manifest import load_manifest
    from aernet.inputs import find_pictures
    from aernet.models import resolve_model
    from aernet.pictures import example_pictures
    from aernet.runners.choice import open_runner
    from aernet.runners.comparison import compare_with_model
    from aernet.runners.tensorrt import TensorRtRunner

    model = resolve_model(against or load_manifest(engine).model)
    pictures = find_pictures([images]) if images else example_pictures()
    runner = TensorRtRunner(engine, model=model)
    agreement = compare_with_model(runner, open_runner(model, "cpu"), pictures)
    typer.echo(f"{engine}: {agreement}", err=True)
    if json:
        typer.echo(dumps(to_builtins(agreement), indent=2))
