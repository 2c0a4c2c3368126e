"""`aernet-trt calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aernet.cli.bars import bars
from aernet.cli.options import Device, MaskSuffix
from aernet.pairs import MASK_ENDING


def calibrate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Bundled model, ONNX file or engine.")],
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of experts' masks.")],
    split: Annotated[Path, typer.Option(help="CSV file with the columns image_id and subset.")],
    json: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="File for the result as JSON, which `export --calibration` reads; here not a flag.",
        ),
    ],
    subset: Annotated[str, typer.Option(help="The subset of --split to calibrate on.")] = "val",
    mask_suffix: MaskSuffix = MASK_ENDING,
    device: Device = "auto",
    diagram: Annotated[Path | None, typer.Option(help="SVG file for the reliability diagram.")] = None,
) -> None:
    """Find the scaling, threshold and borders for a model, and how far its masks can be trusted."""
    from json import dumps

    from aernet.evaluation.calibrate import calibrate as run
    from aernet.files import require_writable_file, write_text
    from aernet.pairs import find_pairs, read_split
    from aernet.segmenter import Segmenter

    if diagram is not None:
        from aernet.evaluation.figures import reliability_diagram
        from aernet.evaluation.rendering import write_figure
    for output in filter(None, (json, diagram)):
        require_writable_file(output)
    with Segmenter(model, device) as segmenter, bars() as progress:
        pairs = find_pairs(images, masks, read_split(split, subset), mask_suffix)
        found = run(segmenter, progress.track(pairs, description="Calibrating"))
    write_text(json, dumps(found.to_dict(), indent=2) + "\n")
    if diagram is not None:
        write_figure(diagram, reliability_diagram({"before": found.before, "after": found.after}))
    typer.echo(
        f"{len(pairs)} pictures: threshold {found.threshold:g}, expected calibration error "
        f"{found.before.expected_calibration_error:.4f} before, "
        f"{found.after.expected_calibration_error:.4f} after; "
        f"look again below an expected Dice of {found.quality.least_dice:.3f}; "
        f"tight border {found.borders.tight.level:g} with {found.borders.tight.area:g} of the area, "
        f"wide {found.borders.wide.level:g} with {found.borders.wide.area:g}"
    )
