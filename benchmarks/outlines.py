"""The kinds of masks in ISIC 2018 by the form of their outline, and the border that suits each kind.

A polygon drawn by hand has few corners for its length, a mask that a program made has one every few pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import typer
from rich.progress import track

from aernet import Segmenter
from aernet.evaluation.metrics import LEVELS, jaccard_at_levels
from aernet.pairs import find_pairs, read_split

if TYPE_CHECKING:
    import numpy.typing as npt

KINDS = ("drawn as a polygon", "in steps of several pixels", "ragged, exact to the pixel")
LIMITS = (2.0, 5.0)  # corners by the square root of the length, in masks of 512 pixels


def main(
    images: Annotated[Path, typer.Argument(help="Folder or zip file of pictures, 512 pixels on a side.")],
    masks: Annotated[Path, typer.Argument(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[Path, typer.Argument(help="CSV file with the columns image_id and subset.")],
    model: Annotated[str, typer.Option(help="Bundled model, or the path of an ONNX file.")] = "aernet",
    subset: Annotated[str, typer.Option(help="The subset of --split, which the model has not seen.")] = "val",
) -> None:
    """Print a Markdown table."""
    kinds, curves, areas = [], [], []
    with Segmenter(model) as segmenter:
        threshold = segmenter.threshold
        for pair in track(find_pairs(images, masks, read_split(split, subset)), "Asking the model"):
            picture, truth = pair.read()
            result = segmenter(picture)
            kinds.append(int(np.searchsorted(LIMITS, cornered(truth), side="right")))
            curves.append(jaccard_at_levels(result.probability, truth)[: LEVELS + 1])
            areas.append(cv2.countNonZero(truth) / max(1, cv2.countNonZero(result.mask)))
    print("| masks | pictures | best common level | Jaccard there | at the model's own"
          " | quartiles of each picture's best level | of its area beside the model's |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for name, chosen in (*((name, [index]) for index, name in enumerate(KINDS)), ("all", [0, 1, 2])):
        rows = np.isin(kinds, chosen)
        curve = np.stack(curves)[rows]
        mean, own = curve.mean(0), curve.mean(0)[round(threshold * LEVELS)]
        levels, sizes = (
            ", ".join(f"{value:.2f}" for value in np.quantile(values, (0.25, 0.5, 0.75)))
            for values in (curve.argmax(1) / LEVELS, np.array(areas)[rows])
        )
        print(
            f"| {name} | {rows.sum()} | {mean.argmax() / LEVELS:.2f} | {mean.max():.4f} | {own:.4f} | "
            f"{levels} | {sizes} |"
        )


def cornered(mask: npt.NDArray[np.uint8]) -> float:
    """Return the corners of the largest outline, to one pixel, by the square root of its length."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    return len(cv2.approxPolyDP(outline, 1.0, closed=True)) / np.sqrt(cv2.arcLength(outline, closed=True))


if __name__ == "__main__":
    typer.run(main)
