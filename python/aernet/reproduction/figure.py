"""Jaccard indices with their intervals, row by row, as a figure."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aernet.evaluation.metrics import Mean

LEFT, TOP, WIDTH, ROW = 190, 40, 480, 36
COLOURS = ("#06c", "#d55e00")  # they differ in lightness too
STEP = 5


def figure(
    title: str, rows: Sequence[str], paper: Mapping[str, float], ours: Mapping[str, Mapping[str, Mean]]
) -> str:
    """Return an SVG: the paper's figure of a row as a diamond, ours as dots with 95 % intervals.

    Args:
        title: what a screen reader says.
        rows: titles of the rows, from top to bottom.
        paper: the paper's Jaccard index by the row's title, in percent; at least one.
        ours: by the legend's words for a recipe, two at most, our mean by the row's title, in [0, 1].
    """
    ends = [100 * end for means in ours.values() for mean in means.values() for end in mean.ci95]
    low = STEP * math.floor(min(*paper.values(), *ends, 100) / STEP)
    high = STEP * math.ceil(max(*paper.values(), *ends, low + STEP) / STEP)
    bottom = TOP + ROW * len(rows)

    def across(percent: float) -> float:
        return round(LEFT + WIDTH * (percent - low) / (high - low), 1)

    drawn = []
    for tick in range(low, high + 1, STEP):
        x = across(tick)
        drawn += [
            f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}" stroke="#ddd"/>',
            f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{tick}</text>',
        ]
    for index, row in enumerate(rows):
        y = TOP + ROW * index + ROW // 2
        drawn.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(row)}</text>')
        if row in paper:
            x = across(paper[row])
            drawn.append(f'<path d="M{x} {y - 6} l6 6 l-6 6 l-6 -6 z" fill="none" stroke="black"/>')
        for place, (colour, means) in enumerate(zip(COLOURS, ours.values(), strict=False)):
            if row in means:
                x = across(100 * means[row].mean)
                start, end = (across(100 * value) for value in means[row].ci95)
                beside = y - 6 + 12 * place
                drawn += [
                    f'<path d="M{start} {beside} H{end}" stroke="{colour}" stroke-width="2"/>',
                    f'<circle cx="{x}" cy="{beside}" r="4" fill="{colour}"/>',
                ]
    legend = ["the paper's figure", *ours]
    for place, (colour, words) in enumerate(zip(("black", *COLOURS), legend, strict=False)):
        mark = "◇" if place == 0 else "●"
        x = LEFT + 160 * place
        drawn.append(f'<text x="{x}" y="24" fill="{colour}">{mark} {escape(words)}</text>')
    marks = "\n".join(drawn)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 30} {bottom + 48}" \
role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
{marks}
<text x="{LEFT + WIDTH // 2}" y="{bottom + 38}" text-anchor="middle">Jaccard index in percent</text>
</svg>
"""
