"""What the copying engine should give, by the CPU's half of the extension."""

from __future__ import annotations

import cv2
import numpy as np
from gpu.copying import SIZE
from tolerances import COLOUR, PROBABILITY

from aernet import mask_from_probability, preprocess

THRESHOLD = 0.4


def expected(frame, colour, plane=0):
    """The plane that the engine copies, and the mask of it, by the CPU."""
    probability = preprocess(frame, SIZE, colour)[plane]
    return mask_from_probability(probability, *frame.shape[:2], THRESHOLD), probability


def assert_agrees(answer, wanted, tolerance=COLOUR):
    (mask, probability), (wanted_mask, wanted_probability) = answer, wanted
    assert np.abs(probability - wanted_probability).max() <= tolerance
    assert np.isin(mask, (0, 255)).all()
    height, width = wanted_mask.shape
    between = cv2.resize(wanted_probability, (width, height), interpolation=cv2.INTER_LINEAR)
    decided = np.abs(between - THRESHOLD) > tolerance + PROBABILITY
    np.testing.assert_array_equal(np.asarray(mask)[decided], wanted_mask[decided])
