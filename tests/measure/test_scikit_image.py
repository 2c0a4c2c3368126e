"""Beside scikit-image, where it measures the same; where the two differ, by how much and why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from measure.shapes import blob, ellipse, ellipse_perimeter, rectangle
from skimage import measure as scikit

from aernet.measure import measure_mask

BLOBS = [blob(seed) for seed in range(6)]
SEVERAL = [blob(seed, regions=3) for seed in range(3)]


@pytest.mark.parametrize("mask", BLOBS + SEVERAL)
def test_what_is_equal(mask):
    measured = measure_mask(mask)
    # The label 1 for all pixels: several regions are one lesion.
    (theirs,) = scikit.regionprops((mask > 0).astype(np.uint8))
    assert measured.area_px == theirs.area
    row, column = theirs.centroid
    assert measured.centroid_px == pytest.approx((column, row))
    top, left, bottom, right = theirs.bbox
    assert measured.bounding_box_px == (left, top, right - left, bottom - top)
    assert measured.equivalent_diameter_px == pytest.approx(theirs.equivalent_diameter_area)
    assert measured.region_count == scikit.label(mask, connectivity=2).max()
    # From the middles of pixels' edges there, half a pixel from their centres in every direction here.
    assert measured.longest_diameter_px == pytest.approx(theirs.feret_diameter_max, abs=0.5)
    # It counts the pixels of its hull, here the hull's area is computed.
    assert measured.solidity == pytest.approx(theirs.solidity, rel=0.015)


@pytest.mark.parametrize("mask", BLOBS)
def test_perimeters_of_blobs_are_near(mask):
    """Its `perimeter` weighs steps of the outline, its `perimeter_crofton` counts crossings of lines.

    Both know four or eight directions only, and keep more of the steps of a ragged outline.
    """
    theirs = scikit.regionprops((mask > 0).astype(np.uint8))[0]
    assert measure_mask(mask).perimeter_px == pytest.approx(theirs.perimeter_crofton, rel=0.1)
    assert measure_mask(mask).perimeter_px == pytest.approx(theirs.perimeter, rel=0.1)


def test_perimeters_of_known_shapes_are_nearer_here():
    ours, theirs, crofton = [], [], []
    for degrees in range(0, 90, 9):
        for mask, length in (
            (ellipse(256, 100, degrees, (0.3, 0.1)), ellipse_perimeter(256, 100)),
            (rectangle(256, 128, degrees, (0.3, 0.1)), 768),
        ):
            (properties,) = scikit.regionprops((mask > 0).astype(np.uint8))
            ours.append(abs(measure_mask(mask).perimeter_px / length - 1))
            theirs.append(abs(properties.perimeter / length - 1))
            crofton.append(abs(properties.perimeter_crofton / length - 1))
    assert max(ours) < 0.01
    assert max(ours) < min(max(theirs), max(crofton))


def test_a_hole_lengthens_its_perimeter_but_not_ours():
    ring = np.pad(ellipse(300, 300), 5)
    ring[100:200, 100:200] = 0
    holed, whole = (
        scikit.regionprops((mask > 0).astype(np.uint8))[0].perimeter
        for mask in (ring, np.pad(ellipse(300, 300), 5))
    )
    assert holed - whole == pytest.approx(400, rel=0.02)
    assert measure_mask(ring).perimeter_px == pytest.approx(300 * math.pi, rel=0.01)
