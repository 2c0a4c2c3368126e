from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from aernet.evaluation.trust import fit_odds


def pictures(overlap, contact, count=300):
    """Return traits, and Dice indices that depend on them so."""
    generator = np.random.default_rng(0)
    found = np.column_stack([generator.normal(1.2, 0.7, count), generator.exponential(0.1, count)])
    odds = 0.8 + found @ (overlap, contact)
    return found, expit(odds + generator.normal(0, 0.4, count))


def test_the_coefficients_are_those_of_the_least_penalised_loss():
    found, dice = pictures(1.2, -2.0)
    intercept, coefficients = fit_odds(found, dice)
    spread = found.std(0)

    def loss(weights):
        odds = weights[0] + found @ weights[1:]
        return np.mean(np.logaddexp(0, odds) - dice * odds) + 0.001 * np.sum((weights[1:] * spread) ** 2)

    expected = minimize(loss, np.zeros(3), tol=1e-10).x
    assert [intercept, *coefficients] == pytest.approx(expected.tolist(), abs=2e-3)
    assert coefficients[0] > 0 > coefficients[1]
    # The mean of what is expected is that of what came.
    assert expit(intercept + found @ coefficients).mean() == pytest.approx(dice.mean(), abs=1e-6)


def test_a_trait_of_the_wrong_sign_counts_nothing():
    found, dice = pictures(1.2, 3.0)
    intercept, coefficients = fit_odds(found, dice)
    assert coefficients[1] == 0
    alone = fit_odds(np.column_stack([found[:, 0], np.zeros(len(found))]), dice)
    assert (intercept, *coefficients) == pytest.approx((alone[0], *alone[1]))


def test_traits_that_tell_nothing_leave_the_mean():
    intercept, coefficients = fit_odds(np.ones((30, 2)), np.linspace(0.7, 0.9, 30))
    assert coefficients.tolist() == [0, 0]
    assert expit(intercept) == pytest.approx(0.8)
