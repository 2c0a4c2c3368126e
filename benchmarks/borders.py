"""How well each border of a model suits the experts of other hospitals; for reporting alone.

One picture a lesion: of all lesions those with the smallest SHA-256 of their name, and of each its picture
with the smallest. Differences from the border "isic" are paired.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.progress import track

from aernet import Segmenter
from aernet._native import mask_from_probability
from aernet.borders import BORDERS
from aernet.evaluation.metrics import bootstrap_mean, score
from aernet.pairs import find_pairs


def main(
    images: Annotated[Path, typer.Argument(help="Folder or zip file of pictures and masks.")],
    table: Annotated[Path, typer.Argument(help="CSV file with the columns lesion_id and image_id.")],
    model: Annotated[str, typer.Option(help="Bundled model, or the path of an ONNX file.")] = "aernet",
    pictures: Annotated[int, typer.Option(help="How many to take.")] = 500,
) -> None:
    """Print a Markdown table."""
    jaccard = defaultdict(list)
    area = defaultdict(list)
    with Segmenter(model) as segmenter:
        for pair in track(find_pairs(images, images, sample(table, pictures)), "Asking the model"):
            picture, truth = pair.read()
            probability = segmenter(picture).probability
            for border in BORDERS:
                height, width = truth.shape
                mask = mask_from_probability(probability, height, width, segmenter.card.level(border))
                jaccard[border].append(score(mask, truth).jaccard)
                area[border].append(cv2.countNonZero(mask) / max(1, cv2.countNonZero(truth)))
        card = segmenter.card
    print(f"{card.name} {card.version}, {pictures} pictures of as many lesions\n")
    print("| border | level | Jaccard | difference from isic | median area beside the expert's |")
    print("|---|---|---|---|---|")
    for border in BORDERS:
        mean = bootstrap_mean(jaccard[border])
        gain = bootstrap_mean(np.subtract(jaccard[border], jaccard["isic"]))
        cells = (
            f"{card.level(border):g}",
            f"{mean.mean:.4f} ({mean.ci95[0]:.4f} to {mean.ci95[1]:.4f})",
            f"{gain.mean:+.4f} ({gain.ci95[0]:+.4f} to {gain.ci95[1]:+.4f})",
            f"{median(area[border]):.3f}",
        )
        print(f"| {border} | {' | '.join(cells)} |")


def sample(table: Path, pictures: int) -> list[str]:
    """Return the same image ids on every machine, one a lesion."""
    of_lesion = defaultdict(list)
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            of_lesion[row["lesion_id"]].append(row["image_id"])
    lesions = sorted(of_lesion, key=_digest)[:pictures]
    return [min(of_lesion[lesion], key=_digest) for lesion in lesions]


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


if __name__ == "__main__":
    typer.run(main)
