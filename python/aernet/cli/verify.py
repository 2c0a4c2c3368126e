"""`aernet-trt verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aernet.cli.options import Device


def verify(
    engine: Annotated[
        str,
        typer.Argument(
            metavar="ENGINE",
            help="Engine, with its manifest beside it; or a model, bundled or ONNX, whose engine"
            " `build-engine` put into the user's cache.",
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Bundled model or ONNX file; by default the one that it was built from."
        ),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Picture, or folder of pictures; by default the bundled ones.")
    ] = None,
    device: Device = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON to stdout.")] = False,
) -> None:
    """Compare an engine on the GPU with its model on the CPU, and note the result in its manifest."""
    from json import dumps

    from msgspec import to_builtins

    from aernet.engine.gpu import gpu_index
    from aernet.engine.manifest import load_manifest
    from aernet.inputs import find_pictures
    from aernet.models import resolve_model
    from aernet.pictures import example_pictures
    from aernet.runners.choice import find_built_engines, open_runner
    from aernet.runners.comparison import compare_with_model
    from aernet.runners.tensorrt import TensorRtRunner

    index = 0 if device == "auto" else gpu_index(device)
    if index is None:
        raise typer.BadParameter(f"--device: an engine runs on a GPU: cuda, cuda:1, ...; found {device!r}")
    path = resolve_model(engine)
    if path.suffix != ".engine":
        path, *_ = find_built_engines(path, open_runner(path, "cpu").card.name, index)
    model = resolve_model(against or load_manifest(path).model)
    pictures = find_pictures([images]) if images else example_pictures()
    runner = TensorRtRunner(path, index, model=model)
    agreement = compare_with_model(runner, open_runner(model, "cpu"), pictures)
    typer.echo(f"{path}: {agreement}", err=True)
    if json:
        typer.echo(dumps(to_builtins(agreement), indent=2))
