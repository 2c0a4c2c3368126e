"""`aernet-trt export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of a training run, such as runs/x/best.pt.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file to write.")],
    images: Annotated[
        Path | None,
        typer.Option(help="Pictures to compare ONNX Runtime with PyTorch on; else the bundled ones."),
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="JSON of `evaluate` for the model card; else the validation figures.")
    ] = None,
) -> None:
    """Write a trained network as ONNX, checked against PyTorch on real pictures."""
    import json

    from rich.console import Console

    from aernet.errors import SourceError
    from aernet.export import export as write
    from aernet.pictures import example_pictures, find_pictures
    from aernet.training.checkpoint import load_checkpoint

    try:
        figures = json.loads(metrics.read_text(encoding="utf-8")) if metrics else None
    except (OSError, ValueError) as error:
        raise SourceError(f"metrics {metrics}: not a JSON file ({error})") from error
    pictures = find_pictures([images]) if images else example_pictures()
    difference = write(load_checkpoint(checkpoint), pictures, figures, output)
    Console().print(
        f"{output}: {output.stat().st_size / 1e6:.1f} MB,"
        f" max |dp| {difference:.1e} on {len(pictures)} pictures"
    )
