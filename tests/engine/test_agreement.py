from __future__ import annotations

import numpy as np
import pytest

from aernet.engine.agreement import Agreement
from aernet.errors import EngineError
from aernet.evaluation.metrics import score


def answer(mask, probability):
    return np.array(mask, np.uint8) * 255, np.array(probability, np.float32)


def test_dice_is_that_of_the_official_definition():
    random = np.random.default_rng(0)
    masks = [(random.random((2, 40, 30)) < 0.4).astype(np.uint8) * 255 for _ in range(3)]
    probability = np.full((4, 4), 0.5, np.float32)
    answers = [((mask, probability), (other, probability + np.float32(0.25))) for mask, other in masks]
    verification = Agreement.of("test", answers)
    dices = [score(other, mask).dice for mask, other in masks]
    assert verification.mean_dice == pytest.approx(np.mean(dices))
    assert verification.worst_dice == pytest.approx(min(dices))
    assert verification.largest_difference == 0.25
    assert verification.pictures == 3
    assert not verification.passes("fp16")


def test_empty_masks_agree():
    nothing = answer([[0, 0]], [[0.1, 0.2]])
    assert Agreement.of("test", [(nothing, nothing)]) == Agreement("test", 1, 1.0, 1.0, 0.0, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_counted_and_never_passes(value):
    expected, found = answer([[1, 1]], [[0.5, 0.25]]), answer([[1, 1]], [[value, 0.5]])
    verification = Agreement.of("test", [(expected, found)])
    assert (verification.mean_dice, verification.largest_difference) == (1.0, 0.25)
    assert verification.not_numbers == 1
    with pytest.raises(EngineError, match=r"x\.engine: expected .* 1 NaN or infinite, .*; do this"):
        verification.require("x.engine", "fp16", "do this")


@pytest.mark.parametrize(
    ("precision", "mean", "worst", "passes"),
    [
        ("fp16", 0.999, 0.99, True),
        ("fp32", 0.9989, 0.995, False),
        ("fp16", 0.9995, 0.9899, False),
        ("fp32", 1.0, 1.0, True),
        ("int8", 0.99, 0.95, True),
        ("int8", 0.9899, 0.98, False),
        ("int8", 0.999, 0.9499, False),
    ],
)
def test_the_bounds(precision, mean, worst, passes):
    verification = Agreement("test", 9, mean, worst, 0.4, 0)
    assert verification.passes(precision) == passes
    if passes:
        verification.require("x", precision, "y")
    else:
        with pytest.raises(EngineError):
            verification.require("x", precision, "y")
