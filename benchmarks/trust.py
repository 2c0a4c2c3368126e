"""How far `expected_dice` and `needs_review` are to be trusted, on a subset with masks and on no dermoscopy.

On the pictures with masks: rank correlation of the expected with the true Dice, the area under the
risk-coverage curve (mean of 1 - Dice over the most trusted part of the pictures, over all sizes of that part)
beside that of the best possible order and of none, and how many are to be reviewed. On flat colours, noise,
text and photographs of other things: how many are to be reviewed.

Needs `pip install ".[benchmark]"`, for the photographs that scikit-image comes with.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import skimage
import typer
from rich.progress import track
from scipy.stats import spearmanr

from aernet import Segmenter
from aernet.evaluation.metrics import score
from aernet.pairs import find_pairs, read_split
from aernet.pictures import read_picture

if TYPE_CHECKING:
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

EACH = 40  # pictures of each kind that is drawn
SIZE = (360, 480)


def main(
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[Path, typer.Option(help="CSV file with the columns image_id and subset.")],
    subset: Annotated[str, typer.Option(help="The subset of --split.")] = "test",
    model: Annotated[str, typer.Option(help="Bundled model, or the path of an ONNX file.")] = "aernet",
) -> None:
    """Print the figures as Markdown."""
    expected, true, review = [], [], []
    with Segmenter(model) as segmenter:
        for pair in track(find_pairs(images, masks, read_split(split, subset)), "Segmenting"):
            result = segmenter(pair.image())
            expected.append(result.expected_dice)
            true.append(score(result.mask, pair.mask()).dice)
            review.append(result.needs_review)
        flagged = {
            kind: [segmenter(picture).needs_review for picture in pictures]
            for kind, pictures in no_dermoscopy().items()
        }
        print(f"{segmenter.card.name} {segmenter.card.version}, {len(true)} pictures of {subset}\n")
    risk = 1 - np.array(true)
    kept = ~np.array(review)
    rows = {
        "Spearman's rank correlation with the true Dice": f"{spearmanr(expected, true).statistic:.3f}",
        "area under the risk-coverage curve": f"{risk_coverage(risk, expected):.4f}",
        "the same, for the best order": f"{risk_coverage(risk, true):.4f}",
        "the same, for no order": f"{risk.mean():.4f}",
        "to be reviewed": f"{np.mean(review):.1%}",
        "mean Dice of those, and of the others": (
            f"{1 - risk[~kept].mean():.3f}, {1 - risk[kept].mean():.3f}" if not kept.all() else "none"
        ),
    }
    print("| | |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")
    print("\n| no dermoscopy | pictures | to be reviewed |\n|---|---|---|")
    for kind, answers in (flagged | {"all": list(chain(*flagged.values()))}).items():
        print(f"| {kind} | {len(answers)} | {np.mean(answers):.1%} |")


def risk_coverage(risk: npt.NDArray[np.float64], trust: list[float]) -> float:
    """Return the area under the risk-coverage curve (Geifman and El-Yaniv 2017)."""
    order = np.argsort(-np.asarray(trust), kind="stable")
    means = np.cumsum(risk[order]) / np.arange(1, len(risk) + 1)
    return float(means.mean())


def no_dermoscopy() -> dict[str, list[Picture]]:
    """Return uint8 BGR pictures by what they show."""
    generator = np.random.default_rng(0)
    folder = Path(skimage.__file__).parent / "data"
    photographs = sorted({*folder.glob("*.png"), *folder.glob("*.jpg")} - {*folder.glob("chessboard*")})
    return {
        "flat colours": [np.full((*SIZE, 3), generator.integers(0, 256, 3), np.uint8) for _ in range(EACH)],
        "noise, fine and coarse": [noise(generator, 2.0 ** (index % 6)) for index in range(EACH)],
        "text": [text(generator) for _ in range(EACH)],
        "landscapes, drawn": [landscape(generator) for _ in range(EACH)],
        "photographs of scikit-image": [read_picture(path) for path in photographs],
    }


def noise(generator: np.random.Generator, grain: float) -> Picture:
    """Return coloured noise whose grains are so many pixels wide."""
    height, width = (max(round(side / grain), 2) for side in SIZE)
    grains = generator.integers(0, 256, (height, width, 3)).astype(np.uint8)
    return cv2.resize(grains, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def text(generator: np.random.Generator) -> Picture:
    """Return lines of letters, dark on light or light on dark."""
    paper, ink = sorted(
        generator.integers(0, 256, (2, 3)).tolist(), key=sum, reverse=bool(generator.integers(2))
    )
    picture = np.full((*SIZE, 3), paper, np.uint8)
    for baseline in range(30, SIZE[0], int(generator.integers(24, 60))):
        letters = "".join(map(chr, generator.integers(ord("a"), ord("z") + 1, 40)))
        cv2.putText(picture, letters, (5, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, 2, cv2.LINE_AA)
    return picture


def landscape(generator: np.random.Generator) -> Picture:
    """Return a blue sky over rows of hills, green or brown, with grass."""
    rows = np.linspace(0, 1, SIZE[0])[:, None, None]
    picture = np.broadcast_to((230, 150, 90) + rows * (20, 70, 120), (*SIZE, 3)).copy()
    columns = np.arange(SIZE[1])
    for depth in (0.4, 0.55, 0.7):
        waves = sum(
            generator.uniform(5, 30) * np.sin(columns / generator.uniform(20, 90) + generator.uniform(0, 6))
            for _ in range(3)
        )
        ground = np.arange(SIZE[0])[:, None] > SIZE[0] * depth + waves
        colour = generator.uniform((20, 70, 30), (60, 150, 130))
        picture[ground] = (colour + generator.normal(0, 18, (*SIZE, 1)))[ground]
    return picture.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
