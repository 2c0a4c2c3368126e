"""What mirror images, several models together and the largest region alone bring, on validation pictures.

For each model and for all together: mean Jaccard at the best threshold, with one view of a picture and with
the mean over its four mirror images, of the whole mask and of its largest region with holes filled.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.progress import track

from aernet import Segmenter, mask_from_probability
from aernet.evaluation.metrics import score
from aernet.pairs import find_pairs, read_split
from aernet.segmentation import Segmentation

if TYPE_CHECKING:
    import numpy.typing as npt

    Map = npt.NDArray[np.float32]

MIRRORS = ((), (0,), (1,), (0, 1))
THRESHOLDS = np.round(np.arange(0.35, 0.7, 0.05), 2)


def main(
    models: Annotated[list[str], typer.Argument(help="Bundled models, or paths of ONNX files.")],
    images: Annotated[Path, typer.Option(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Option(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[Path, typer.Option(help="CSV file with the columns image_id and subset.")],
    subset: Annotated[str, typer.Option(help="The subset of --split.")] = "val",
) -> None:
    """Print a Markdown table."""
    pairs = find_pairs(images, masks, read_split(split, subset))
    truths = [pair.mask() for pair in pairs]
    views: dict[str, list[list[Map]]] = {}
    for model in models:
        with Segmenter(model) as segmenter:
            views[Path(model).stem] = [
                mirrored(segmenter, pair.image()) for pair in track(pairs, f"Asking {model}")
            ]
    if len(models) > 1:
        views["together"] = [list(chain(*answers)) for answers in zip(*views.values(), strict=True)]
    print(f"{len(pairs)} pictures of {subset}: mean Jaccard at the best threshold\n")
    print("| | one view | largest region | mirror images | largest region |\n|---|---|---|---|---|")
    for name, answers in views.items():
        first = [np.mean(maps[:: len(MIRRORS)], axis=0) for maps in answers]
        mean = [np.mean(maps, axis=0) for maps in answers]
        cells = (best(maps, truths, largest=largest) for maps in (first, mean) for largest in (False, True))
        print(f"| {name} | {' | '.join(cells)} |")


def mirrored(segmenter: Segmenter, picture: npt.NDArray[np.uint8]) -> list[Map]:
    """Return the probability maps of the mirror images, mirrored back; the picture itself is the first."""
    return [np.flip(segmenter(np.flip(picture, axes)).probability, axes) for axes in MIRRORS]


def best(maps: list[Map], truths: list[npt.NDArray[np.uint8]], *, largest: bool) -> str:
    """Return the best mean Jaccard over the thresholds, and its threshold."""
    means = {}
    for threshold in map(float, THRESHOLDS):
        scores = []
        for plane, truth in zip(maps, truths, strict=True):
            mask = mask_from_probability(plane, *truth.shape, threshold)
            if largest:
                mask = Segmentation(mask, mask, plane, threshold, latency_ms=0).largest().mask
            scores.append(score(mask, truth).jaccard)
        means[threshold] = float(np.mean(scores))
    threshold = max(means, key=means.__getitem__)
    return f"{means[threshold]:.4f} at {threshold:g}"


if __name__ == "__main__":
    typer.run(main)
