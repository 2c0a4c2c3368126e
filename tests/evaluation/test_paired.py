from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from aernet.errors import SourceError
from aernet.evaluation.paired import paired_difference


def scores(values):
    return {f"ISIC_{number:07}": float(value) for number, value in enumerate(values)}


@pytest.fixture
def pictures():
    """Return how easy each of 200 pictures is; models differ by far less."""
    return np.random.default_rng(0).beta(6, 2, 200)


def test_the_interval_is_that_of_scipy_s_paired_bootstrap(pictures):
    better = pictures + np.random.default_rng(1).normal(0.01, 0.05, 200)
    difference = paired_difference(scores(better), scores(pictures))
    expected = bootstrap(
        (better, pictures),
        lambda first, second, axis: np.mean(first - second, axis=axis),
        paired=True,
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert difference.mean == pytest.approx((better - pictures).mean())
    assert difference.ci95 == pytest.approx(tuple(expected), abs=5e-4)


def test_what_is_hard_for_both_models_hides_no_difference(pictures):
    better = scores(pictures + np.random.default_rng(1).normal(0.01, 0.02, 200))
    worse = scores(pictures)
    assert paired_difference(better, worse).is_clear
    assert paired_difference(worse, better).is_clear
    assert not paired_difference(worse, worse).is_clear
    noisy = scores(pictures + np.random.default_rng(3).normal(0, 0.1, 200))
    assert not paired_difference(noisy, worse).is_clear


def test_pictures_are_paired_by_name_not_by_order(pictures):
    backwards = dict(reversed(scores(pictures).items()))
    assert paired_difference(backwards, scores(pictures)).mean == 0


def test_other_pictures_are_refused(pictures):
    with pytest.raises(SourceError, match="2 pictures have the score of one model only"):
        paired_difference(scores(pictures), scores(pictures[:-2]))
