"""`aernet-trt evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aernet.cli.bars import bars

if TYPE_CHECKING:
    from rich.table import Table

    from aernet.evaluation.evaluate import Evaluation


def evaluate(
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[Path | None, typer.Option(help="CSV file with the columns image_id and subset.")] = None,
    subset: Annotated[str | None, typer.Option(help="The subset of --split to evaluate on.")] = None,
    model: Annotated[str, typer.Option(help="Bundled model, or the path of an ONNX file.")] = "aernet",
    threshold: Annotated[
        float | None,
        typer.Option(help="Probability from which on a pixel is lesion, instead of the model's own."),
    ] = None,
    keep: Annotated[
        Literal["largest", "all"],
        typer.Option(help="Judge the largest region with its holes filled, or all."),
    ] = "all",
    json: Annotated[Path | None, typer.Option(help="File for the means and intervals.")] = None,
    per_image: Annotated[Path | None, typer.Option(help="CSV file for the scores of each picture.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for a web page with figures and examples.")
    ] = None,
) -> None:
    """Compare a model with experts' masks: per-image means with 95 % intervals."""
    from rich.console import Console

    from aernet.evaluation.evaluate import compare
    from aernet.evaluation.evaluate import evaluate as run
    from aernet.files import replacing
    from aernet.pairs import find_pairs, read_split
    from aernet.segmenter import Segmenter

    if (split is None) != (subset is None):
        raise typer.BadParameter("--split and --subset are given together or not at all")
    if report is not None:
        from aernet.evaluation.report import write_report
    for output in (json, per_image, report and report / "index.html"):
        if output is not None:
            _check_writable(output)
    with Segmenter(model, threshold=threshold) as segmenter:
        pairs = find_pairs(images, masks, read_split(split, subset) if split and subset is not None else None)
        source = f"subset {subset} of {split.name}" if split else images.resolve().name
        largest_only = keep == "largest"
        console = Console(highlight=False, markup=False, soft_wrap=True)
        with bars() as progress:
            shown = progress.track(pairs, description="Evaluating")
            evaluation = run(segmenter, shown, source, largest_only=largest_only)
        console.print(_table(evaluation))
        console.print(f"model {evaluation.model}, threshold {evaluation.threshold:g}")
        console.print(evaluation.protocol)
        if json is not None:
            with replacing(json) as temporary, temporary.open("w", encoding="utf-8") as file:
                evaluation.write_json(file)
        if per_image is not None:
            with replacing(per_image) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
                evaluation.write_csv(file)
        if report is not None:
            pair_of = {pair.image_id: pair for pair in pairs}
            write_report(
                report,
                evaluation,
                lambda image_id: compare(segmenter, pair_of[image_id], largest_only=largest_only),
            )
            console.print(f"report {report / 'index.html'}")


def _check_writable(path: Path) -> None:
    """Raise an error before the work instead of after it."""
    import tempfile

    from aernet.errors import AernetError

    if path.is_dir():
        raise AernetError(f"{path}: cannot be written, it is a folder; give the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise AernetError(f"{path}: cannot be written ({error.strerror})") from error


def _table(evaluation: Evaluation) -> Table:
    from rich.table import Column, Table

    table = Table("metric", Column("mean", justify="right"), Column("95 % interval", justify="right"))
    for name, mean in evaluation.means.items():
        table.add_row(name.replace("_", " "), f"{mean.mean:.4f}", f"{mean.ci95[0]:.4f} to {mean.ci95[1]:.4f}")
    return table
