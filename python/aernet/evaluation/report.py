"""The report: a web page of its own with the figures, their spread, and best, middling and worst pictures."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.evaluation.evaluate import METRICS
from aernet.evaluation.histogram import histogram
from aernet.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from aernet.evaluation.evaluate import Comparison, Evaluation

PICTURES_A_GROUP = 3
LARGEST_WIDTH = 480

# BGR: light and dark, so that the two differ for every kind of colour vision.
GROUND_TRUTH_COLOUR = (255, 255, 255)
OUTPUT_COLOUR = (255, 60, 0)

STYLE = """
:root { color-scheme: light dark; --line: #8886; --bar: #3987c9; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { padding: .3rem .9rem; text-align: left; border-bottom: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; }
figure { margin: 0 0 1.5rem; }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem; }
.pictures figcaption { grid-column: 1 / -1; }
img, svg { width: 100%; height: auto; }
svg { max-width: 40rem; }
svg text { fill: currentColor; font-size: 11px; }
"""


def write_report(folder: Path, evaluation: Evaluation, compare: Callable[[str], Comparison]) -> None:
    """Write `index.html` and the pictures that it shows into `folder`; the page needs nothing from elsewhere.

    Like the paper's Figure 6 it shows good, middling and bad examples, here best, median and worst pictures
    by Jaccard index, each beside its ground truth and the output, and with the outlines of both.

    Args:
        folder: where the files go; it is made if needed.
        evaluation: the scores.
        compare: gives the comparison for an image id; called for the few pictures that are shown.

    Raises:
        AernetError: a file cannot be written.
        SourceError: a picture cannot be read.
    """
    groups = _choose(evaluation)
    sections = []
    for title, image_ids in groups.items():
        figures = []
        for rank, image_id in enumerate(image_ids, start=1):
            stem = f"pictures/{title.lower()}-{rank}"
            comparison = compare(image_id)
            views = _views(comparison)
            for view, picture in views.items():
                _write_picture(folder / _file_name(stem, view), picture)
            figures.append(_figure(comparison, stem, views))
        sections.append(f"<h3>{title}</h3>\n" + "\n".join(figures))
    with replacing(folder / "index.html") as temporary:
        temporary.write_text(_page(evaluation, sections), encoding="utf-8")


def _choose(evaluation: Evaluation) -> dict[str, list[str]]:
    """Return up to three image ids each for best, median and worst; no picture stands in two groups."""
    ordered = sorted(evaluation.pictures, key=lambda image_id: -evaluation.pictures[image_id].jaccard)
    count = min(PICTURES_A_GROUP, max(1, len(ordered) // 3))
    best, rest = ordered[:count], ordered[count:]
    between, worst = rest[:-count], rest[-count:]
    start = (len(between) - count + 1) // 2
    groups = {"Best": best, "Median": between[start : start + count], "Worst": worst}
    return {title: image_ids for title, image_ids in groups.items() if image_ids}


def _views(comparison: Comparison) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the views of one picture by their captions, at the report's size."""
    image = _shrink(comparison.image)
    ground_truth, mask = (_shrink(lesion) for lesion in (comparison.ground_truth, comparison.mask))
    outlines = image.copy()
    # The wide one below, so that both are seen where they agree.
    for lesion, colour, thickness in ((ground_truth, GROUND_TRUTH_COLOUR, 5), (mask, OUTPUT_COLOUR, 2)):
        contours, _ = cv2.findContours(
            np.where(lesion > 128, np.uint8(255), np.uint8(0)), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(outlines, contours, -1, colour, thickness, cv2.LINE_AA)
    return {"picture": image, "ground truth": ground_truth, "output": mask, "outlines": outlines}


def _shrink(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if width <= LARGEST_WIDTH:
        return picture
    size = (LARGEST_WIDTH, max(1, round(height * LARGEST_WIDTH / width)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _file_name(stem: str, view: str) -> str:
    return f"{stem}-{view.replace(' ', '-')}.png"


def _write_picture(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    _, data = cv2.imencode(".png", picture)
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _figure(comparison: Comparison, stem: str, views: dict[str, npt.NDArray[np.uint8]]) -> str:
    image_id, scores = escape(comparison.image_id), comparison.scores
    alternatives = {
        "picture": f"Dermoscopic picture {image_id}",
        "ground truth": f"Expert's mask of {image_id}, white for lesion",
        "output": f"Model's mask of {image_id}, white for lesion",
        "outlines": f"Picture {image_id} with the expert's outline in white and the model's in blue",
    }
    pictures = "\n".join(
        f'<img src="{_file_name(stem, view)}" width="{picture.shape[1]}" height="{picture.shape[0]}" '
        f'alt="{alternatives[view]}">'
        for view, picture in views.items()
    )
    return (
        f'<figure class="pictures">\n{pictures}\n'
        f"<figcaption>{image_id}: Jaccard {scores.jaccard:.3f}, Dice {scores.dice:.3f}, "
        f"sensitivity {scores.sensitivity:.3f}, specificity {scores.specificity:.3f}</figcaption>\n</figure>"
    )


def _page(evaluation: Evaluation, sections: list[str]) -> str:
    means = evaluation.means
    rows = "\n".join(
        f'<tr><th scope="row">{name.replace("_", " ").capitalize()}</th><td>{means[name].mean:.4f}</td>'
        f"<td>{means[name].ci95[0]:.4f} to {means[name].ci95[1]:.4f}</td></tr>"
        for name in METRICS
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of {escape(evaluation.model)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Evaluation of {escape(evaluation.model)}</h1>
<p>{escape(evaluation.protocol)}; threshold {evaluation.threshold:g}. Not a medical device.</p>
<h2>Figures</h2>
<table>
<thead><tr><th scope="col">Metric</th><th scope="col">Mean</th><th scope="col">95 % interval</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<h2>Spread</h2>
{histogram([scores.jaccard for scores in evaluation.pictures.values()])}
<h2>Pictures</h2>
<p>By Jaccard index; from the left: picture, ground truth, output, and the outlines of the ground truth
(white) and of the output (blue).</p>
{"".join(f"<section>{section}</section>" for section in sections)}
</body>
</html>
"""
