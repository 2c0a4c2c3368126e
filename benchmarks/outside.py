"""A model on HAM10000, other hospitals' pictures that the default model has not seen; for reporting alone.

One picture a lesion, drawn with a seed; per-image means with 95 % bootstrap intervals, and how wide the model
draws beside these annotators.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from aernet import Segmenter
from aernet.evaluation.evaluate import compare
from aernet.evaluation.metrics import bootstrap_mean
from aernet.pairs import find_pairs


def main(
    images: Annotated[Path, typer.Argument(help="Folder or zip file of pictures and masks.")],
    table: Annotated[Path, typer.Argument(help="CSV file with the columns lesion_id and image_id.")],
    model: Annotated[str, typer.Option(help="Bundled model, or the path of an ONNX file.")] = "aernet",
    pictures: Annotated[int, typer.Option(help="How many to draw.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the drawing.")] = 0,
) -> None:
    """Print the figures as a Markdown table."""
    pairs = find_pairs(images, images, sample(table, pictures, seed))
    with Segmenter(model) as segmenter:
        compared = [compare(segmenter, pair, largest_only=False) for pair in track(pairs, "Evaluating")]
        name = f"{segmenter.card.name} {segmenter.card.version}, threshold {segmenter.threshold:g}"
    print(f"{name}, {pictures} pictures of as many lesions, seed {seed}\n")
    print("| | mean | 95 % interval |\n|---|---|---|")
    for metric in ("jaccard", "dice", "thresholded_jaccard", "sensitivity", "specificity"):
        mean = bootstrap_mean([getattr(comparison.scores, metric) for comparison in compared])
        print(f"| {metric.replace('_', ' ')} | {mean.mean:.4f} | {mean.ci95[0]:.4f} to {mean.ci95[1]:.4f} |")
    areas = [(np.count_nonzero(one.mask), np.count_nonzero(one.ground_truth)) for one in compared]
    ratio = median(found / true for found, true in areas if true)
    print(f"\nMedian area of a mask beside the expert's: {ratio:.3f}")


def sample(table: Path, pictures: int, seed: int) -> list[str]:
    """Return image ids that are drawn with a seed, one a lesion."""
    of_lesion = defaultdict(list)
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            of_lesion[row["lesion_id"]].append(row["image_id"])
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    one_each = [draw.choice(sorted(of_lesion[lesion])) for lesion in sorted(of_lesion)]
    return draw.sample(one_each, pictures)


if __name__ == "__main__":
    typer.run(main)
