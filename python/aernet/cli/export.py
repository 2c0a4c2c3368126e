"""`aernet-trt export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypedDict

import typer

from aernet.borders import Borders
from aernet.quality import Quality


class _Metrics(TypedDict):
    protocol: str


class _Scaling(TypedDict):
    slope: float
    intercept: float


class _Calibration(TypedDict):
    scaling: _Scaling
    threshold: float
    quality: Quality
    borders: Borders


def export(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="CHECKPOINT",
            help="Checkpoint of a training run, such as runs/x/best.pt; several are averaged. With"
            " --with-preprocessing also a bundled model or an ONNX file.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file to write.")],
    images: Annotated[
        Path | None,
        typer.Option(
            help="Picture, or folder of pictures, to compare ONNX Runtime and PyTorch on; by default the"
            " bundled ones."
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(help="File of `calibrate --json`: scaling, threshold and trust go into the model."),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            help="File of `evaluate --json` for the model card; by default the metrics of the validation, and"
            " with several checkpoints none."
        ),
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
    scaled = _read(calibration, _Calibration, "calibrate")
    measured = _read(metrics, _Metrics, "evaluate")
    for checkpoint in checkpoints:
        _require_checkpoint(checkpoint)
    from aernet.training.checkpoint import averaged, load_checkpoint

    trained = averaged([load_checkpoint(Path(checkpoint)) for checkpoint in checkpoints])
    # Imported last: where all is missing, PyTorch is named, whose extra brings what writes ONNX.
    from aernet.export import export as write

    difference = write(trained, pictures, measured, output, scaled, half_weights=half_weights)
    return f"max |dp| {difference:.1e} on {len(pictures)} pictures"


def _require_checkpoint(name: str) -> None:
    """Raise an error where a model is named, which is ONNX already."""
    from zipfile import is_zipfile

    from aernet.errors import SourceError
    from aernet.models import bundled_models

    model = bundled_models().get(name)
    if model or (Path(name).is_file() and not is_zipfile(name)):
        raise SourceError(
            f"{name}: expected a checkpoint of a training run, such as runs/x/best.pt, found "
            + (f"a model, which is ONNX already: {model}" if model else "another file")
        )


def _read(path: Path | None, kind: Any, command: str) -> dict[str, Any] | None:
    """Return the JSON object that a command wrote, whose parts are of the right kind."""
    import msgspec

    from aernet.errors import SourceError

    if path is None:
        return None
    try:
        content: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        msgspec.convert(content, kind)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise SourceError(f"{path}: not what `aernet-trt {command} --json` writes ({error})") from error
    return content
