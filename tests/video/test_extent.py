from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from aernet.regions import outlines
from aernet.video.extent import extent_row, measure_extent


def test_a_square():
    mask = np.zeros((50, 60), np.uint8)
    mask[10:20, 30:40] = 255
    extent = measure_extent(mask)
    assert extent.area == 100
    assert extent.equivalent_diameter == pytest.approx(np.sqrt(400 / np.pi))
    assert extent.feret_diameter == pytest.approx(10 * np.sqrt(2))
    assert extent.centre == (34.5, 14.5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1)])
def test_thin_ones(shape):
    mask = np.full(shape, 255, np.uint8)
    extent = measure_extent(mask)
    assert extent.area == mask.size
    assert extent.feret_diameter == pytest.approx(np.hypot(*shape))


def test_none():
    mask = np.zeros((50, 60), np.uint8)
    assert measure_extent(mask) is None
    assert set(extent_row(mask).values()) == {None}


@pytest.mark.parametrize("seed", range(6))
def test_any_shape_against_scipy(seed):
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (80, 100)), (0, 0), 4)
    mask = np.where(noise > 0.04, np.uint8(255), np.uint8(0))
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    regions = [ndimage.binary_fill_holes(labels == label) for label in range(1, count + 1)]
    region = max(regions, key=np.count_nonzero)
    extent = measure_extent(mask)
    assert extent.area == np.count_nonzero(region)
    y, x = np.nonzero(region)
    corners = np.concatenate([np.stack([x + dx, y + dy], 1) for dx in (0, 1) for dy in (0, 1)])
    assert extent.feret_diameter == pytest.approx(pdist(np.unique(corners, axis=0)).max())
    assert extent.centre == pytest.approx(ndimage.center_of_mass(region)[::-1])


def test_outlines_filled_are_the_mask():
    mask = np.zeros((50, 60), np.uint8)
    cv2.ellipse(mask, (30, 25), (20, 9), 30, 0, 360, 255, cv2.FILLED)
    cv2.circle(mask, (6, 6), 4, 255, cv2.FILLED)
    borders = outlines(mask)
    assert [border.shape[1] for border in borders] == [2, 2]
    np.testing.assert_array_equal(cv2.drawContours(np.zeros_like(mask), borders, -1, 255, cv2.FILLED), mask)
    assert cv2.contourArea(borders[0]) > cv2.contourArea(borders[1])
