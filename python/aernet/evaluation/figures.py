"""The figures of an evaluation: how the Jaccard index is spread, and whether probabilities can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.evaluation.metrics import LEAST_JACCARD
from aernet.evaluation.rendering import axes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from aernet.evaluation.reliability import Reliability

_BINS = 20


def histogram(jaccard: Sequence[float]) -> Figure:
    """Return how many pictures lie in each twentieth of [0, 1], with a dashed line at 0.65.

    Args:
        jaccard: the Jaccard index of each picture, in [0, 1].
    """
    figure, axes = axes_of(7, 2.6)
    axes.hist(jaccard, bins=_BINS, range=(0, 1), rwidth=0.92, color="#3987c9")
    axes.axvline(LEAST_JACCARD, color="black", linestyle="--", linewidth=1)
    axes.set(xlabel="Jaccard index", ylabel="pictures", xlim=(0, 1))
    axes.locator_params(axis="y", integer=True)
    return figure


def reliability_diagram(curves: Mapping[str, Reliability]) -> Figure:
    """Return the share of lesion over the probability, a line for each of `curves` by its name."""
    figure, axes = axes_of(4.4, 4.4)
    axes.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1)
    for colour, (name, curve) in zip(("#767676", "#0066cc"), curves.items(), strict=False):
        filled = np.flatnonzero(curve.pixels)
        axes.plot(
            np.take(curve.confidence, filled),
            np.take(curve.frequency, filled),
            color=colour,
            marker=".",
            label=f"{name}: expected calibration error {curve.expected_calibration_error:.4f}",
        )
    axes.set(xlabel="probability", ylabel="share of lesion", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.legend(loc="outside upper left", frameon=False)
    return figure
