"""Mean Jaccard by diagnosis, lesion size, contact with the border and contrast, as a Markdown table.

From the `--per-image` table of `aernet-trt evaluate`, the split table and the masks that were compared with.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import typer
from rich.progress import track

from aernet.evaluation.metrics import bootstrap_mean
from aernet.pairs import find_pairs

if TYPE_CHECKING:
    import numpy.typing as npt

RING = 31  # pixels at SIDE x SIDE around the lesion that count as the skin beside it
SIDE = 256
QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


@dataclass(frozen=True)
class Lesion:
    """What an expert's mask says of a lesion."""

    area: float
    """Part of the picture that it covers."""
    touches_border: bool
    contrast: float
    """Distance in CIELAB between its mean colour and that of the skin around it."""


def describe(image: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> Lesion:
    """Measure a lesion, given the picture and the expert's mask."""
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lesion = cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 127
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    near = cv2.dilate(lesion.astype(np.uint8), np.ones((RING, RING), np.uint8)) > 0
    skin = near & ~lesion
    contrast = np.linalg.norm(lab[lesion].mean(0) - lab[skin].mean(0)) if lesion.any() and skin.any() else 0
    edge = (mask[0].any(), mask[-1].any(), mask[:, 0].any(), mask[:, -1].any())
    return Lesion(float((mask > 0).mean()), any(edge), float(contrast))


def quarters(values: dict[str, float]) -> dict[str, str]:
    """Sort pictures into four equal groups by a number."""
    limits = np.quantile(list(values.values()), (0.25, 0.5, 0.75))
    return {name: QUARTERS[int(np.searchsorted(limits, value))] for name, value in values.items()}


def main(
    per_image: Annotated[Path, typer.Argument(help="CSV file of `evaluate --per-image`.")],
    split: Annotated[Path, typer.Argument(help="CSV file with the columns image_id and diagnosis.")],
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of masks, <picture>_segmentation.png.")],
) -> None:
    """Print number of pictures and mean Jaccard with its 95 % interval for each group."""
    with per_image.open(newline="") as file:
        jaccard = {row["image_id"]: float(row["jaccard"]) for row in csv.DictReader(file)}
    with split.open(newline="") as file:
        diagnosis = {row["image_id"]: row["diagnosis"] or "not stated" for row in csv.DictReader(file)}
    pairs = find_pairs(images, masks, jaccard.keys())
    lesions = {pair.image_id: describe(pair.image(), pair.mask()) for pair in track(pairs, "Measuring")}
    groups = {
        "diagnosis": {name: diagnosis[name] for name in jaccard},
        "lesion area": quarters({name: lesion.area for name, lesion in lesions.items()}),
        "touches the border": {
            name: "yes" if lesion.touches_border else "no" for name, lesion in lesions.items()
        },
        "contrast to the skin": quarters({name: lesion.contrast for name, lesion in lesions.items()}),
    }
    print("| | | pictures | mean Jaccard | 95 % interval | below 0.65 |\n|---|---|---|---|---|---|")
    for title, group_of in groups.items():
        members = defaultdict(list)
        for name, group in group_of.items():
            members[group].append(jaccard[name])
        for group in sorted(members, key=lambda group: QUARTERS.index(group) if group in QUARTERS else -1):
            values = members[group]
            mean = bootstrap_mean(values)
            low = sum(value < 0.65 for value in values)
            interval = f"{mean.ci95[0]:.3f} to {mean.ci95[1]:.3f}"
            print(f"| {title} | {group} | {len(values)} | {mean.mean:.3f} | {interval} | {low} |")


if __name__ == "__main__":
    typer.run(main)
