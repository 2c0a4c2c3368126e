"""Write a model's borders and how far to trust it into its card, with everything else as it is.

    python engines/recalibrate.py engines/models/aernet.onnx engines/models/aernet-b1.onnx \
        --images ISIC2018_Task1-2_Training_Input --masks ISIC2018_Task1_Training_GroundTruth \
        --split isic2018_split.csv

For models that an earlier `aernet-trt calibrate` judged. It may be run again.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
import numpy as np
import onnx
import typer
from rich.progress import track

from aernet import Segmenter, preprocess
from aernet.evaluation.calibrate import find_borders
from aernet.evaluation.metrics import score
from aernet.evaluation.trust import fit_quality
from aernet.files import replacing
from aernet.pairs import find_pairs, read_split
from aernet.quality import COLOUR_SIZE

BORDERS, QUALITY = "aernet.borders", "aernet.quality"


def main(
    models: Annotated[list[Path], typer.Argument(help="ONNX files to change.")],
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[Path, typer.Option(help="CSV file with the columns image_id and subset.")],
    subset: Annotated[
        str, typer.Option(help="The subset of --split that the models were calibrated on.")
    ] = "val",
) -> None:
    """Find borders and quality of each model at its own threshold, and write them."""
    pairs = find_pairs(images, masks, read_split(split, subset))
    truths = [pair.mask() for pair in pairs]
    pictures = np.stack([preprocess(pair.image(), COLOUR_SIZE) for pair in pairs])
    for path in models:
        model = onnx.load(path)
        properties = {entry.key: entry.value for entry in model.metadata_props}
        # Without what an earlier calibration found: a quality of other fields would be refused.
        bare = {name: text for name, text in properties.items() if name not in {BORDERS, QUALITY}}
        onnx.helper.set_model_props(model, bare)
        with TemporaryDirectory() as folder:
            onnx.save(model, Path(folder) / path.name)
            with Segmenter(Path(folder) / path.name, "cpu") as segmenter:
                results = [segmenter(pair.image()) for pair in track(pairs, path.name)]
        threshold = results[0].threshold
        maps = np.stack([result.probability for result in results])
        dice = [score(result.mask, truth).dice for result, truth in zip(results, truths, strict=True)]
        found = {
            BORDERS: msgspec.json.encode(find_borders(maps, truths, threshold)).decode(),
            QUALITY: msgspec.json.encode(fit_quality(maps, threshold, np.array(dice), pictures)).decode(),
        }
        onnx.helper.set_model_props(model, properties | found)
        with replacing(path) as temporary:
            onnx.save(model, temporary)
        typer.echo(f"{path}: {found}")


if __name__ == "__main__":
    typer.run(main)
