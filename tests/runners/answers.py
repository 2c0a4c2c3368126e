"""Frames to give to a runner, and how near its answers must come to those of another."""

from __future__ import annotations

import cv2
import numpy as np
from frames import random_view
from runners.planes import answer_of

THRESHOLD = 0.5
STEEPEST = 5  # of the model: 20 / 4
COLOUR = 5e-4  # of kernels from the CPU's, with room for float16


def pictures(seed, count, sides=(1, 200)):
    rng = np.random.default_rng(seed)
    return [random_view(rng, *(int(side) for side in rng.integers(*sides, 2))) for _ in range(count)]


def read(predictions, colour="bgr"):
    return [answer_of(prediction, colour, THRESHOLD) for prediction in predictions]


def run(runner, frames, colour="bgr"):
    return read(runner.predict(frames, colour), colour)


def assert_same(answers, expected, tolerance=STEEPEST * COLOUR):
    """Masks may differ where the probability is near the threshold."""
    assert len(answers) == len(expected)
    for (mask, probability), (other, other_probability) in zip(answers, expected, strict=True):
        assert probability.dtype == np.float32
        np.testing.assert_allclose(probability, other_probability, atol=tolerance)
        height, width = other.shape
        between = cv2.resize(other_probability, (width, height), interpolation=cv2.INTER_LINEAR)
        decided = np.abs(between - THRESHOLD) > tolerance + 1e-3
        np.testing.assert_array_equal(np.asarray(mask)[decided], other[decided])
