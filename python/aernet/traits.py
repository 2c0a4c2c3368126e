"""Two numbers of a probability map that tell how well its mask probably agrees with an expert's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_LEVELS = 50  # at which the map is cut to see how its masks overlap
_CLOSEST = 0.01  # added to both parts of the odds, which stay finite


class Traits(NamedTuple):
    """What `Quality` asks of a probability map and its mask."""

    overlap: float
    """How little the mask depends on its threshold, as the logarithm of odds in about [-4.6, 4.6].

    The probability is the mean Jaccard index of the mask with those at all other levels. Where a probability
    of 0.8 means that 8 of 10 experts mark the pixel, that is the index with an expert to be expected.
    """
    contact: float
    """The part of the mask's outline that is the frame's border, in [0, 1]."""


def traits(probability: npt.NDArray[np.float32], threshold: float) -> Traits:
    """Measure a map and its mask.

    Args:
        probability: float32, H x W, in [0, 1].
        threshold: the mask's own, between 0 and 1.
    """
    return Traits(_overlap(probability, threshold), _contact(probability >= threshold))


def _overlap(probability: npt.NDArray[np.float32], threshold: float) -> float:
    end = float(np.nextafter(np.float32(1), np.float32(2)))  # the range leaves its end out
    counts = cv2.calcHist([probability], [0], None, [2 * _LEVELS], [0, end]).ravel()
    marked = np.cumsum(counts[::-1])[::-1][1::2]  # at the levels 0.01, 0.03 and so on to 0.99
    of_mask = np.count_nonzero(probability >= threshold)
    jaccard = np.minimum(marked, of_mask) / np.maximum(np.maximum(marked, of_mask), 1)
    mean = float(jaccard.mean())
    return float(np.log((mean + _CLOSEST) / (1 - mean + _CLOSEST)))


def _contact(mask: npt.NDArray[np.bool_]) -> float:
    cut = sum(np.count_nonzero(side) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    seen = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return cut / (cut + seen) if cut else 0.0
