"""The smoothing of the probability map, against the mean that its docstring names."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aernet.video.smoothing import Smoothing

STILL = np.eye(2, 3)
ZEROS = np.zeros((16, 16), np.float32)
ONES = np.ones((16, 16), np.float32)


@pytest.mark.parametrize("fps", [10, 30, 50])
@pytest.mark.parametrize(("constant", "given"), [(0.1, {}), (0.3, {"seconds": 0.3})])
def test_a_step_is_followed_as_the_time_constant_says(fps, constant, given):
    smooth = Smoothing(**given)
    smooth(ZEROS, None, 0)
    for index in range(1, fps + 1):
        answer = smooth(ONES, STILL, 1 / fps)
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, 1 - math.exp(-index / fps / constant), atol=1e-5)


@pytest.mark.parametrize(
    ("gap", "forgets"), [(0.9, False), (1.0, False), (1.1, True), (1.9, True), (0, True)]
)
def test_a_gap_of_more_than_a_second_forgets_the_past(gap, forgets):
    smooth = Smoothing(1.0)
    smooth(ZEROS, None, 0)
    assert (smooth(ONES, STILL, gap) == ONES).all() == forgets
