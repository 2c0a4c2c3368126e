"""`aernet-trt export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def export(
    source: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoint of a training run, such as runs/x/best.pt; several are averaged. With"
            " --with-preprocessing also a bundled model or an ONNX file."
        ),
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
    with_preprocessing: Annotated[
        bool,
        typer.Option(
            "--with-preprocessing", help="Take uint8 BGR frames of any size and give masks, within the graph."
        ),
    ] = False,
) -> None:
    """Write a trained network as ONNX, checked on real pictures."""
    from tempfile import TemporaryDirectory
    from zipfile import is_zipfile

    from aernet.inputs import find_pictures
    from aernet.models import resolve_model
    from aernet.pictures import example_pictures

    pictures = find_pictures([images]) if images else example_pictures()
    if not with_preprocessing:
        checked = _export(source, pictures, output, calibration, metrics, half_weights=half_weights)
    else:
        from aernet.whole_graph import write_whole_graph

        if half_weights:
            raise typer.BadParameter(
                "--half-weights: graphs with preprocessing have float32 weights; leave it out"
            )
        model = resolve_model(source[0])
        with TemporaryDirectory() as folder:
            if is_zipfile(model):  # as checkpoints are
                model = Path(folder) / "model.onnx"
                _export(source, pictures, model, calibration, metrics, half_weights=False)
            elif len(source) > 1 or calibration or metrics:
                raise typer.BadParameter(
                    f"{source[0]}: an ONNX model with its card already; give it alone, or checkpoints"
                )
            checked = f"Dice {write_whole_graph(model, output, pictures):.5f} or more with Segmenter's masks"
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB, {checked}")


def _export(
    checkpoints: list[str],
    pictures: list[Path],
    output: Path,
    calibration: Path | None,
    metrics: Path | None,
    *,
    half_weights: bool,
) -> str:
    """Write checkpoints as ONNX and say how far ONNX Runtime and PyTorch are apart."""
    from aernet.errors import SourceError
    from aernet.export import export as write
    from aernet.training.checkpoint import averaged, load_checkpoint

    found = _read(calibration)
    if found is not None and not {"scaling", "threshold", "quality"} <= found.keys():
        raise SourceError(f"{calibration}: not what `aernet-trt calibrate` writes")
    trained = averaged([load_checkpoint(Path(checkpoint)) for checkpoint in checkpoints])
    difference = write(trained, pictures, _read(metrics), output, found, half_weights=half_weights)
    return f"max |dp| {difference:.1e} on {len(pictures)} pictures"


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
