from __future__ import annotations

import cv2
import numpy as np
import pytest

from aernet.measure import measure_mask
from aernet.regions import outlines
from aernet.video.extent import EXTENT_COLUMNS, extent_row, size_words


def noise_mask(seed, shape=(80, 100)):
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), 4)
    return np.where(noise > 0.04, np.uint8(255), np.uint8(0))


@pytest.mark.parametrize("scale", [None, 0.02])
@pytest.mark.parametrize("seed", range(4))
def test_a_frame_is_measured_as_a_picture_is(seed, scale):
    mask = noise_mask(seed)
    row = extent_row(mask, scale)
    expected = measure_mask(mask, mm_per_pixel=scale).row()
    assert tuple(row) == EXTENT_COLUMNS
    for name, value in row.items():
        assert value == (None if expected[name] is None else pytest.approx(expected[name], rel=1e-5)), name
    assert (row["area_mm2"] is None) == (scale is None)


def test_a_disc_by_its_formulas():
    mask = np.zeros((300, 400), np.uint8)
    cv2.circle(mask, (210, 140), 100, 255, cv2.FILLED)
    row = extent_row(mask, 0.01)
    assert row["area_px"] == np.count_nonzero(mask)
    assert row["equivalent_diameter_px"] == pytest.approx(201, abs=1)
    assert row["longest_diameter_px"] == pytest.approx(201, abs=1)
    assert row["longest_diameter_mm"] == pytest.approx(2.01, abs=0.01)
    assert row["area_mm2"] == pytest.approx(np.pi * 1.005**2, rel=0.01)
    assert (row["centroid_px_x"], row["centroid_px_y"]) == (210, 140)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1)])
def test_thin_ones(shape):
    row = extent_row(np.full(shape, 255, np.uint8))
    assert row["area_px"] == np.prod(shape)
    assert row["longest_diameter_px"] == max(shape)


def test_none():
    row = extent_row(np.zeros((50, 60), np.uint8), 0.02)
    assert row.pop("area_px") == 0
    assert set(row.values()) == {None}


def test_words():
    mask = np.zeros((5, 1300), np.uint8)
    mask[2, :1200] = 255
    assert size_words(extent_row(mask)) == ("1,200 px", "1,200 px")
    assert size_words(extent_row(mask, 0.1)) == ("12.00 mm²", "120.00 mm")
    assert size_words(extent_row(np.zeros_like(mask))) == ("-", "-")


def test_outlines_filled_are_the_mask():
    mask = np.zeros((50, 60), np.uint8)
    cv2.ellipse(mask, (30, 25), (20, 9), 30, 0, 360, 255, cv2.FILLED)
    cv2.circle(mask, (6, 6), 4, 255, cv2.FILLED)
    borders = outlines(mask)
    assert [border.shape[1] for border in borders] == [2, 2]
    np.testing.assert_array_equal(cv2.drawContours(np.zeros_like(mask), borders, -1, 255, cv2.FILLED), mask)
    assert cv2.contourArea(borders[0]) > cv2.contourArea(borders[1])
