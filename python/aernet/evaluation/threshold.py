"""Which threshold a model gets, given how well each does on validation pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDIFFERENCE = 0.001


def best_threshold(jaccard: Sequence[float]) -> int:
    """Return the index of the highest threshold whose mean Jaccard index is within 0.001 of the best.

    The annotators of ISIC drew wide borders: of thresholds that do equally well, the highest draws the
    tightest border.

    Args:
        jaccard: the mean Jaccard index at each threshold, in [0, 1], the lowest threshold first.
    """
    least = max(jaccard) - _INDIFFERENCE
    return max(index for index, value in enumerate(jaccard) if value >= least)
