"""The B: edges that are sharp, blurred, or both."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from measure.shapes import ellipse

from aernet.measure import measure_mask

LESION, SKIN = (60, 80, 110), (150, 170, 215)
MASK = np.pad(ellipse(400, 320), 90)
DIAMETER = np.sqrt(400 * 320)


def blurred(share):
    """A picture whose colour fades evenly over a share of the equivalent diameter, about the outline."""
    inside = cv2.distanceTransform(MASK, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(255 - MASK, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    width = max(share * DIAMETER, 1e-6)
    part = np.clip((inside - outside) / width + 0.5, 0, 1)[..., None]
    return np.rint(part * np.array(LESION) + (1 - part) * np.array(SKIN)).astype(np.uint8)


@pytest.mark.parametrize(("share", "abrupt"), [(0, 8), (0.06, 8), (0.16, 0), (0.3, 0)])
def test_a_colour_that_fades_within_a_tenth_of_the_diameter_is_abrupt(share, abrupt):
    assert measure_mask(MASK, blurred(share)).abrupt_eighths == abrupt


def test_a_sharp_edge_has_the_whole_difference():
    measured = measure_mask(MASK, blurred(0))
    assert measured.edge_delta_e == pytest.approx([measured.contrast_delta_e] * 8, rel=0.05)


def test_half_of_the_outline():
    sharp, soft = blurred(0), blurred(0.4)
    right = np.where(np.arange(MASK.shape[1])[None, :, None] < MASK.shape[1] / 2, soft, sharp)
    measured = measure_mask(MASK, right)
    assert measured.abrupt_eighths == 4
    sharper = np.array(measured.edge_delta_e) > np.mean(measured.edge_delta_e)
    assert np.count_nonzero(sharper != np.roll(sharper, 1)) == 2  # they lie side by side


def test_a_faint_edge_is_not_abrupt():
    picture = np.where(MASK[..., None] > 0, np.uint8([148, 168, 207]), np.uint8(SKIN))
    assert measure_mask(MASK, picture).abrupt_eighths == 0


def test_what_lies_outside_the_frame_is_not_counted():
    cut = MASK[:, MASK.shape[1] // 2 :].copy()
    measured = measure_mask(cut, blurred(0)[:, MASK.shape[1] // 2 :].copy())
    assert measured.abrupt_eighths is None
    assert None in measured.edge_delta_e
    assert any(value is not None for value in measured.edge_delta_e)
