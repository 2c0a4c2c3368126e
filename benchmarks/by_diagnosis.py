"""Mean Jaccard by diagnosis, from the `--per-image` table of `aernet-trt evaluate` and the split table."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer


def main(
    per_image: Annotated[Path, typer.Argument(help="CSV file of `evaluate --per-image`.")],
    split: Annotated[Path, typer.Argument(help="CSV file with the columns image_id and diagnosis.")],
) -> None:
    """Print number of pictures and mean Jaccard for each diagnosis, and how many score low."""
    with split.open(newline="") as file:
        diagnosis_of = {row["image_id"]: row["diagnosis"] or "not stated" for row in csv.DictReader(file)}
    with per_image.open(newline="") as file:
        jaccard = {row["image_id"]: float(row["jaccard"]) for row in csv.DictReader(file)}
    groups = defaultdict(list)
    for image_id, value in jaccard.items():
        groups[diagnosis_of[image_id]].append(value)
    for diagnosis, values in sorted(groups.items()):
        print(f"{diagnosis}: {len(values)} pictures, mean Jaccard {mean(values):.4f}")
    for limit in (0.65, 0.3):
        print(f"below {limit}: {sum(value < limit for value in jaccard.values())} of {len(jaccard)}")


if __name__ == "__main__":
    typer.run(main)
