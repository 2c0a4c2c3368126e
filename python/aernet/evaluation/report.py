"""The report of an evaluation: a web page with the means, their spread, and pictures from best to worst."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.evaluation.figures import histogram
from aernet.evaluation.metrics import LEAST_JACCARD
from aernet.evaluation.rendering import render, write_figure
from aernet.files import write_text
from aernet.pictures import write_png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aernet.arrays import HostImage
    from aernet.evaluation.evaluate import Comparison, Evaluation

_PICTURES_A_GROUP = 3
_LARGEST_WIDTH = 480

# BGR, one light and one dark, so that the two differ for every kind of colour vision.
_GROUND_TRUTH_COLOUR = (255, 255, 255)
_OUTPUT_COLOUR = (255, 60, 0)


def write_report(folder: Path, evaluation: Evaluation, compare: Callable[[str], Comparison]) -> None:
    """Write `index.html` and the files that it shows into `folder`; the page loads nothing from elsewhere.

    As in the paper's Figure 6 it shows good, middling and bad examples: the best, median and worst pictures
    by Jaccard index. Each stands beside its ground truth and the output, and with the outlines of both.

    Args:
        folder: where the files go; it is made if needed.
        evaluation: the scores.
        compare: returns the comparison for an image id; called for the few pictures that are shown.

    Raises:
        AernetError: a file cannot be written.
        SourceError: a picture cannot be read.
    """
    groups = _choose(evaluation)
    views = {}
    for title, image_ids in groups.items():
        for rank, image_id in enumerate(image_ids, start=1):
            views[image_id] = _views(compare(image_id))
            for view, picture in views[image_id].items():
                write_png(folder / f"pictures/{title.lower()}-{rank}-{view}.png", picture)
    jaccard = [scores.jaccard for scores in evaluation.pictures.values()]
    write_figure(folder / "jaccard.svg", histogram(jaccard))
    page = render(
        "evaluation/report.html",
        evaluation=evaluation,
        groups=groups,
        views=views,
        least=LEAST_JACCARD,
        below=sum(value < LEAST_JACCARD for value in jaccard),
    )
    write_text(folder / "index.html", page)


def _choose(evaluation: Evaluation) -> dict[str, list[str]]:
    """Return up to three image ids each for best, median and worst; no picture is in two groups."""
    ordered = sorted(evaluation.pictures, key=lambda image_id: -evaluation.pictures[image_id].jaccard)
    count = min(_PICTURES_A_GROUP, max(1, len(ordered) // 3))
    best, rest = ordered[:count], ordered[count:]
    between, worst = rest[:-count], rest[-count:]
    start = (len(between) - count + 1) // 2
    groups = {"Best": best, "Median": between[start : start + count], "Worst": worst}
    return {title: image_ids for title, image_ids in groups.items() if image_ids}


def _views(comparison: Comparison) -> dict[str, HostImage]:
    """Return the views of one picture by their names, at the size of the report."""
    image = _shrink(comparison.image)
    ground_truth, mask = (_shrink(lesion) for lesion in (comparison.ground_truth, comparison.mask))
    outlines = image.copy()
    # The wide outline lies below the narrow one, so that both are seen where they agree.
    for lesion, colour, thickness in ((ground_truth, _GROUND_TRUTH_COLOUR, 5), (mask, _OUTPUT_COLOUR, 2)):
        inside = (lesion > 128).astype(np.uint8)
        contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(outlines, contours, -1, colour, thickness, cv2.LINE_AA)
    return {"picture": image, "ground-truth": ground_truth, "output": mask, "outlines": outlines}


def _shrink(picture: HostImage) -> HostImage:
    height, width = picture.shape[:2]
    if width <= _LARGEST_WIDTH:
        return picture
    size = (_LARGEST_WIDTH, max(1, round(height * _LARGEST_WIDTH / width)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
