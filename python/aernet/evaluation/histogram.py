"""How the Jaccard index is spread over the pictures, as a figure for a web page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.evaluation.metrics import LEAST_JACCARD

if TYPE_CHECKING:
    from collections.abc import Sequence

BINS = 20
LEFT, TOP, WIDTH, HEIGHT = 40, 20, 560, 180


def histogram(jaccard: Sequence[float]) -> str:
    """Return an HTML figure: how many pictures lie in each twentieth of [0, 1], and how many below 0.65.

    The bars take the page's CSS colour `--bar`, lines and letters its text colour.
    """
    counts, _ = np.histogram(jaccard, bins=BINS, range=(0, 1))
    bottom = TOP + HEIGHT
    step, tallest = WIDTH / BINS, int(counts.max())
    bars = "\n".join(
        f'<rect x="{LEFT + index * step + 1:.1f}" y="{bottom - HEIGHT * count / tallest:.1f}" '
        f'width="{step - 2:.1f}" height="{HEIGHT * count / tallest:.1f}" fill="var(--bar)">'
        f"<title>{index / BINS:.2f} to {(index + 1) / BINS:.2f}: {count}</title></rect>"
        for index, count in enumerate(counts)
        if count
    )
    ticks = "\n".join(
        f'<text x="{LEFT + WIDTH * tick:.0f}" y="{bottom + 16}" text-anchor="middle">{tick:.1f}</text>'
        for tick in (0, 0.2, 0.4, 0.6, 0.8, 1)
    )
    least = LEFT + WIDTH * LEAST_JACCARD
    below = sum(value < LEAST_JACCARD for value in jaccard)
    return f"""<figure>
<svg viewBox="0 0 620 240" role="img" aria-label="Histogram of the Jaccard index of {len(jaccard)} pictures">
{bars}
<line x1="{LEFT}" y1="{bottom}" x2="{LEFT + WIDTH}" y2="{bottom}" stroke="currentColor"/>
<line x1="{least:.0f}" y1="{TOP}" x2="{least:.0f}" y2="{bottom}" stroke="currentColor" stroke-dasharray="4"/>
{ticks}
<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">{tallest}</text>
<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>
<text x="{LEFT + WIDTH / 2:.0f}" y="{bottom + 36}" text-anchor="middle">Jaccard index</text>
</svg>
<figcaption>Pictures by Jaccard index; {below} of {len(jaccard)} lie below {LEAST_JACCARD:g} (dashed)
and count 0 in the thresholded Jaccard index.</figcaption>
</figure>"""
