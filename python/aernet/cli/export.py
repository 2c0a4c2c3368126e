"""`aernet-trt export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def export(
    checkpoint: Annotated[
        list[Path],
        typer.Argument(help="Checkpoint of a training run, such as runs/x/best.pt; several are averaged."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file to write.")],
    images: Annotated[
        Path | None,
        typer.Option(help="Pictures to compare ONNX Runtime and PyTorch on, instead of the bundled ones."),
    ] = None,
    calibration: Annotated[Path | None, typer.Option(help="JSON of `calibrate`.")] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(help="JSON of `evaluate` for the model card, instead of the validation metrics."),
    ] = None,
    half_weights: Annotated[
        bool, typer.Option("--half-weights", help="Store the weights as float16: half the file.")
    ] = False,
) -> None:
    """Write a trained network as ONNX, checked against PyTorch on real pictures."""
    from aernet.errors import SourceError
    from aernet.export import export as write
    from aernet.pictures import example_pictures, find_pictures
    from aernet.training.checkpoint import averaged, load_checkpoint

    pictures = find_pictures([images]) if images else example_pictures()
    found = _read(calibration)
    if found is not None and not {"scaling", "threshold", "quality"} <= found.keys():
        raise SourceError(f"{calibration}: not what `aernet-trt calibrate` writes")
    trained = averaged(list(map(load_checkpoint, checkpoint)))
    difference = write(trained, pictures, _read(metrics), output, found, half_weights=half_weights)
    size = f"{output.stat().st_size / 1e6:.1f} MB"
    typer.echo(f"{output}: {size}, max |dp| {difference:.1e} on {len(pictures)} pictures")


def _read(path: Path | None) -> dict[str, Any] | None:
    import json

    from aernet.errors import SourceError

    if path is None:
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: not a JSON file ({error})") from error
    return content
