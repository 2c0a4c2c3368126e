from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from aernet.traits import traits


def soft_disc(width, centre=(128, 128)):
    """Return a disc whose probability falls from 1 to 0 over `width` pixels."""
    rows, columns = np.indices((256, 256))
    radius = np.hypot(rows - centre[0], columns - centre[1])
    return np.clip(0.5 - (radius - 60) / width, 0, 1).astype(np.float32)


def mean_jaccard(probability, threshold):
    """Return the mean Jaccard index of a mask with those of experts who draw at any level alike."""
    mask = probability >= threshold
    others = [probability >= level for level in (np.arange(1000) + 0.5) / 1000]
    return np.mean([(mask & other).sum() / (mask | other).sum() for other in others])


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("width", [10, 40, 60])
def test_the_overlap_is_the_mean_jaccard_index_with_masks_at_other_levels(width, threshold):
    expected = mean_jaccard(soft_disc(width), threshold)
    assert expit(traits(soft_disc(width), threshold).overlap) == pytest.approx(expected, abs=0.02)


def test_a_sharp_border_overlaps_more_than_a_soft_one_and_nothing_least_of_all():
    maps = [np.zeros((256, 256), np.float32), soft_disc(60), soft_disc(20), soft_disc(1)]
    overlaps = [traits(plane, 0.5).overlap for plane in maps]
    assert overlaps == sorted(overlaps)
    assert expit(overlaps[0]) < 0.01
    assert expit(overlaps[-1]) > 0.97
    assert traits(np.ones((8, 8), np.float32), 0.5).overlap == pytest.approx(-overlaps[0])


def test_a_mask_has_contact_where_the_frame_cuts_it():
    square = np.zeros((64, 64), np.float32)
    square[10:30, 20:40] = 1
    assert traits(square, 0.5).contact == 0
    assert traits(square[:, 20:], 0.5).contact == pytest.approx(1 / 4)  # one of four equal sides
    assert traits(square[10:, 20:], 0.5).contact == pytest.approx(1 / 2)
    assert traits(np.ones((8, 8), np.float32), 0.5).contact == 1
    assert traits(np.zeros((8, 8), np.float32), 0.5).contact == 0
