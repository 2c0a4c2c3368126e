"""The Jaccard indices of a table as a figure, a line for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.evaluation.rendering import axes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from aernet.evaluation.metrics import Mean
    from aernet.reproduction.tables import Table

_COLOURS = ("#0066cc", "#d55e00")  # they differ in lightness too


def figure(table: Table, ours: Mapping[str, Mapping[str, Mean]]) -> Figure:
    """Return the paper's figure of each row as a diamond, and ours as dots with 95 % intervals.

    Args:
        table: the rows, of which the paper gives at least one Jaccard index.
        ours: for the title of a recipe, two at most, our mean by the title of the row, in [0, 1].
    """
    drawn, axes = axes_of(7.5, 1.2 + 0.36 * len(table.rows))
    paper = [(row.jaccard, index) for index, row in enumerate(table.rows) if row.jaccard is not None]
    axes.plot(*np.transpose(paper), "D", color="black", fillstyle="none", label="the paper's figure")
    for number, (title, means) in enumerate(ours.items()):
        there = [index for index, row in enumerate(table.rows) if row.title in means]
        found = [means[table.rows[index].title] for index in there]
        middle, low, high = 100 * np.reshape([(mean.mean, *mean.ci95) for mean in found], (-1, 3)).T
        height, colour = np.add(there, 0.3 * number - 0.15), _COLOURS[number]
        axes.hlines(height, low, high, colors=colour, linewidth=2)
        axes.plot(middle, height, "o", color=colour, label=title, gid=f"recipe-{number}")
    axes.set_yticks(range(len(table.rows)), [row.title for row in table.rows])
    axes.invert_yaxis()
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.set_xlabel("Jaccard index in percent")
    drawn.legend(loc="outside upper left", ncols=3, frameon=False)
    return drawn
