"""How far `expected_dice` and `needs_review` are to be trusted, on pictures with masks and on no dermoscopy.

On the subset, and on pictures of HAM10000 where they are given: rank correlation of the expected with the
true Dice, the tenth of the pictures that is trusted most, the area under the risk-coverage curve (mean of
1 - Dice over the most trusted part of the pictures, over all sizes of that part) beside that of the best
possible order and of none, how many are to be reviewed, and the means of expected and true Dice by
expectation. On flat colours, noise, text and photographs of other things: how many are to be reviewed.

Needs `pip install ".[benchmark]"`, for the photographs that scikit-image comes with.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import skimage
import typer
from outside import sample
from rich.progress import track
from scipy.stats import spearmanr

from aernet import Segmenter
from aernet.evaluation.metrics import score
from aernet.pairs import find_pairs, read_split
from aernet.pictures import read_picture

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.pairs import Pair

    Picture = npt.NDArray[np.uint8]

EACH = 40  # pictures of each kind that is drawn
SIZE = (360, 480)
OUTSIDE = 1000  # pictures of HAM10000, drawn as `outside.py` does with seed 0
GROUPS = 5


@dataclass(frozen=True)
class Judged:
    """What was expected of pictures, and what came, a number for each."""

    expected: npt.NDArray[np.float64]
    dice: npt.NDArray[np.float64]
    jaccard: npt.NDArray[np.float64]
    review: npt.NDArray[np.bool_]


def main(
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[Path, typer.Option(help="CSV file with the columns image_id and subset.")],
    subset: Annotated[str, typer.Option(help="The subset of --split.")] = "test",
    outside: Annotated[Path | None, typer.Option(help="Folder or zip file of HAM10000.")] = None,
    table: Annotated[Path | None, typer.Option(help="Its table, with lesion_id and image_id.")] = None,
    model: Annotated[str, typer.Option(help="Bundled model, or the path of an ONNX file.")] = "aernet",
) -> None:
    """Print the figures as Markdown."""
    if (outside is None) != (table is None):
        raise typer.BadParameter("--outside and --table go together")
    sets = {subset: find_pairs(images, masks, read_split(split, subset))}
    if outside and table:
        sets["HAM10000"] = find_pairs(outside, outside, sample(table, OUTSIDE, seed=0))
    with Segmenter(model) as segmenter:
        print(f"{segmenter.card.name} {segmenter.card.version}")
        for name, pairs in sets.items():
            judged = judge(segmenter, pairs)
            print(f"\n{len(pairs)} pictures of {name}\n")
            print_trust(judged)
            print_groups(judged)
        flagged = {
            kind: [segmenter(picture).needs_review for picture in pictures]
            for kind, pictures in no_dermoscopy().items()
        }
    print("\n| no dermoscopy | pictures | to be reviewed |\n|---|---|---|")
    for kind, answers in (flagged | {"all": list(chain(*flagged.values()))}).items():
        print(f"| {kind} | {len(answers)} | {np.mean(answers):.1%} |")


def judge(segmenter: Segmenter, pairs: list[Pair]) -> Judged:
    """Segment pictures, and compare what was expected with what came."""
    expected, dice, jaccard, review = [], [], [], []
    for pair in track(pairs, "Segmenting"):
        result = segmenter(pair.image())
        scores = score(result.mask, pair.mask())
        expected.append(result.expected_dice)
        dice.append(scores.dice)
        jaccard.append(scores.jaccard)
        review.append(result.needs_review)
    return Judged(np.array(expected), np.array(dice), np.array(jaccard), np.array(review))


def print_trust(judged: Judged) -> None:
    """Print how well the expected Dice orders the pictures."""
    risk, kept = 1 - judged.dice, ~judged.review
    trusted = np.argsort(-judged.expected, kind="stable")[: len(risk) // 10]
    rows = {
        "Spearman's rank correlation with the true Dice": f"{spearmanr(judged.expected, judged.dice)[0]:.3f}",
        "the most trusted tenth: mean Dice, lowest Jaccard": (
            f"{judged.dice[trusted].mean():.3f}, {judged.jaccard[trusted].min():.3f}"
        ),
        "most trusted picture below Jaccard 0.5: the part that is trusted more": first_failure(judged),
        "area under the risk-coverage curve": f"{risk_coverage(risk, judged.expected):.4f}",
        "the same, for the best order": f"{risk_coverage(risk, judged.dice):.4f}",
        "the same, for no order": f"{risk.mean():.4f}",
        "to be reviewed": f"{judged.review.mean():.1%}",
        "mean Dice of those, and of the others": (
            f"{1 - risk[~kept].mean():.3f}, {1 - risk[kept].mean():.3f}" if not kept.all() else "none"
        ),
    }
    print("| | |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


def first_failure(judged: Judged) -> str:
    """Return which part of the pictures is trusted more than the first whose Jaccard is below 0.5."""
    failed = judged.jaccard[np.argsort(-judged.expected, kind="stable")] < 0.5
    return f"{np.argmax(failed) / len(failed):.1%}" if failed.any() else "none is"


def print_groups(judged: Judged) -> None:
    """Print the means of expected and true Dice, from the least expected pictures to the most."""
    print("\n| by expectation | expected Dice | true Dice |\n|---|---|---|")
    parts = np.array_split(np.argsort(judged.expected, kind="stable"), GROUPS)
    for title, part in (*((f"fifth {n}", part) for n, part in enumerate(parts, 1)), ("all", slice(None))):
        print(f"| {title} | {judged.expected[part].mean():.3f} | {judged.dice[part].mean():.3f} |")


def risk_coverage(risk: npt.NDArray[np.float64], trust: npt.NDArray[np.float64]) -> float:
    """Return the area under the risk-coverage curve (Geifman and El-Yaniv 2017)."""
    order = np.argsort(-trust, kind="stable")
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
