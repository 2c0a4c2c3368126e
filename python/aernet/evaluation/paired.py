"""Whether one model does better than another on the same pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.evaluation.metrics import Mean, bootstrap_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


def paired_difference(first: Mapping[str, float], second: Mapping[str, float]) -> Mean:
    """Return the mean of `first - second` over pictures, with its paired bootstrap interval.

    A resample draws pictures with both of their scores, so that a picture that is hard for both models does
    not widen the interval.

    Args:
        first: a score for each image id, at least one.
        second: a score for each of the same pictures, from the other model.

    Raises:
        SourceError: the scores are not those of the same pictures.
    """
    if first.keys() != second.keys():
        others = len(first.keys() ^ second.keys())
        raise SourceError(
            f"only scores of the same pictures can be compared,"
            f" but {others} pictures have the score of one model only"
        )
    return bootstrap_mean([score - second[image_id] for image_id, score in first.items()])
