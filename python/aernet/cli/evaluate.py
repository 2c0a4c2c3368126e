"""`aernet-trt evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aernet.cli.judging import judged_masks, judged_model
from aernet.cli.options import Border, Device, MaskSuffix, Model, Threshold, refuse_beside
from aernet.models import DEFAULT
from aernet.pairs import MASK_ENDING
from aernet.regions import Keep
from aernet.result_files import MASK

if TYPE_CHECKING:
    from rich.table import Table

    from aernet.evaluation.evaluate import Evaluation


def evaluate(
    context: typer.Context,
    masks: Annotated[Path, typer.Option(help="Folder or zip file of experts' masks.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder or zip file of pictures, for the model to segment.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip file of masks to judge instead of a model, such as the output of `segment`."
        ),
    ] = None,
    suffix: Annotated[
        str | None,
        typer.Option(
            help="What follows the picture's name in the names of --predictions, _mask.png if not given."
        ),
    ] = None,
    mask_suffix: MaskSuffix = MASK_ENDING,
    split: Annotated[Path | None, typer.Option(help="CSV file with the columns image_id and subset.")] = None,
    subset: Annotated[str | None, typer.Option(help="The subset of --split to evaluate on.")] = None,
    model: Model = DEFAULT,
    device: Device = "auto",
    threshold: Threshold = None,
    border: Border = None,
    keep: Annotated[
        Keep, typer.Option(help="Judge the largest region with its holes filled, or all.")
    ] = "all",
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File for the means and intervals as JSON; here not a flag."),
    ] = None,
    per_image: Annotated[Path | None, typer.Option(help="CSV file for the scores of each picture.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for a web page with figures and examples.")
    ] = None,
) -> None:
    """Compare a model with experts' masks, or masks that were written earlier.

    The outcome is per-image means with 95 % intervals. The best level Jaccard is that of masks for which each
    picture has the threshold that suits it best: whole masks at one threshold for all never have more. What
    `segment` wrote into a folder is judged by --predictions FOLDER --masks FOLDER, without --images.
    """
    from rich.console import Console

    from aernet.cli.text import printable
    from aernet.files import require_writable_file
    from aernet.pairs import read_split

    if (split is None) != (subset is None):
        raise typer.BadParameter("--split and --subset are given together or not at all")
    if predictions is not None:
        of_a_model = ("model", "device", "threshold", "border", "keep")
        refuse_beside(context, of_a_model, "for a model, not beside --predictions; give it to `segment`")
    if predictions is None and suffix is not None:
        raise typer.BadParameter("--suffix goes with --predictions")
    _check_pictures(images, predictions, report)
    if report is not None:
        from aernet.evaluation.report import write_report
    for output in filter(None, (json, per_image, report and report / "index.html")):
        require_writable_file(output)
    image_ids = read_split(split, subset) if split and subset is not None else None
    source = f"subset {subset} of {split.name}" if split else (predictions or images or masks).resolve().name
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    judged = (
        judged_masks(predictions, suffix or MASK, masks, images, image_ids, source, mask_suffix)
        if predictions is not None
        else judged_model(
            model,
            device,
            threshold,
            border,
            images or masks,
            masks,
            image_ids,
            source,
            mask_suffix,
            largest_only=keep == "largest",
        )
    )
    with judged as (evaluation, compare):
        console.print(_table(evaluation))
        named = f"model {evaluation.model}, threshold {evaluation.threshold or 0:g}"
        console.print(printable(evaluation.model if evaluation.threshold is None else named))
        console.print(printable(evaluation.protocol))
        if evaluation.inverted:
            typer.echo(_warning(evaluation), err=True)
        _write_files(evaluation, json, per_image)
        if report is not None:
            write_report(report, evaluation, compare)
            console.print(f"report {report / 'index.html'}")


def _check_pictures(images: Path | None, predictions: Path | None, report: Path | None) -> None:
    """Raise an error if pictures are needed but not given, or what renders them is not installed."""
    if images is None and predictions is None:
        raise typer.BadParameter("give --images to judge a model, or --predictions to judge masks")
    if report is not None:
        if images is None:
            raise typer.BadParameter("--report shows pictures; give --images too")
        import aernet.evaluation.report  # noqa: F401 - fails before the work where it cannot render


def _write_files(evaluation: Evaluation, json: Path | None, per_image: Path | None) -> None:
    from aernet.files import replacing

    if json is not None:
        with replacing(json) as temporary, temporary.open("w", encoding="utf-8") as file:
            evaluation.write_json(file)
    if per_image is not None:
        # A name that is not UTF-8 is written as the bytes that it has.
        with (
            replacing(per_image) as temporary,
            temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
        ):
            evaluation.write_csv(file)


def _warning(evaluation: Evaluation) -> str:
    from aernet.cli.text import printable

    examples = ", ".join(evaluation.inverted[:3]) + (", ..." if len(evaluation.inverted) > 3 else "")
    return printable(
        f"{len(evaluation.inverted)} of {len(evaluation.pictures)} experts' masks look inverted, with"
        f" lesion all around and skin inside: {examples}; 0 is skin and 255 lesion"
    )


def _table(evaluation: Evaluation) -> Table:
    from rich.table import Column, Table

    table = Table("metric", Column("mean", justify="right"), Column("95 % interval", justify="right"))
    for name, mean in evaluation.means.items():
        table.add_row(name.replace("_", " "), f"{mean.mean:.4f}", f"{mean.ci95[0]:.4f} to {mean.ci95[1]:.4f}")
    return table
