"""Write a model's tight and wide border into its card, with everything else as it is.

    python engines/borders.py engines/models/aernet.onnx engines/models/aernet-b1.onnx \
        --images ISIC2018_Task1-2_Training_Input --masks ISIC2018_Task1_Training_GroundTruth \
        --split isic2018_split.csv

For models that were exported before `aernet-trt calibrate` found borders. It may be run again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import onnx
import typer
from rich.progress import track

from aernet import Segmenter
from aernet.borders import Borders
from aernet.evaluation.calibrate import find_borders
from aernet.files import replacing
from aernet.pairs import find_pairs, read_split


def main(
    models: Annotated[list[Path], typer.Argument(help="ONNX files to change.")],
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[Path, typer.Option(help="CSV file with the columns image_id and subset.")],
    subset: Annotated[
        str, typer.Option(help="The subset of --split that the models were calibrated on.")
    ] = "val",
) -> None:
    """Find the borders of each model at its own threshold, and write them."""
    pairs = find_pairs(images, masks, read_split(split, subset))
    truths = [pair.mask() for pair in pairs]
    for model in models:
        with Segmenter(model, "cpu") as segmenter:
            maps = np.stack([segmenter(pair.image()).probability for pair in track(pairs, model.name)])
            borders = find_borders(maps, truths, segmenter.threshold)
        write(model, borders)
        typer.echo(f"{model}: {msgspec.json.encode(borders).decode()}")


def write(path: Path, borders: Borders) -> None:
    """Set the property `aernet.borders` of an ONNX file."""
    model = onnx.load(path)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    properties["aernet.borders"] = msgspec.json.encode(borders).decode()
    onnx.helper.set_model_props(model, properties)
    with replacing(path) as temporary:
        onnx.save(model, temporary)


if __name__ == "__main__":
    typer.run(main)
