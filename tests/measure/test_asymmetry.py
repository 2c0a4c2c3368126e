"""The A: shapes that are symmetric, and some whose asymmetry is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from measure.shapes import ellipse, half_disc, letter_l, rectangle
from scipy.integrate import quad

from aernet.measure import measure_mask

DISC = (4 / (3 * math.pi), quad(lambda y: math.sqrt(1 - y * y), 4 / (3 * math.pi), 8 / (3 * math.pi))[0])
HALF_DISC = 1 - 4 * DISC[1] / (math.pi / 2)
"""About the axis through the centroid along the cut, which lies 4 / (3 pi) radii from it: 0.1852."""


@pytest.mark.parametrize("size", [256, 1024])
@pytest.mark.parametrize("degrees", [0, 10, 45, 77, 130])
@pytest.mark.parametrize("shape", [ellipse, rectangle])
def test_what_is_symmetric_has_none(shape, size, degrees):
    measured = measure_mask(shape(size, size * 0.6, degrees))
    assert measured.shape_asymmetry == pytest.approx((0, 0), abs=1.5 / size)
    assert (
        min((measured.symmetry_axis_degrees - degrees) % 90, (degrees - measured.symmetry_axis_degrees) % 90)
        <= 1
    )


@pytest.mark.parametrize("size", [256, 1024])
@pytest.mark.parametrize("degrees", [0, 30, 77, 200])
def test_a_half_disc(size, degrees):
    measured = measure_mask(half_disc(size, degrees))
    assert measured.shape_asymmetry[0] == pytest.approx(0, abs=1.5 / size)
    assert measured.shape_asymmetry[1] == pytest.approx(HALF_DISC, abs=0.005)
    assert abs((measured.symmetry_axis_degrees - degrees) % 180 - 90) <= 1


def test_a_letter_l_is_symmetric_about_its_diagonal():
    measured = measure_mask(letter_l(400))
    assert measured.shape_asymmetry[0] == pytest.approx(0, abs=0.004)
    assert measured.shape_asymmetry[1] > 0.15
    assert measured.symmetry_axis_degrees == pytest.approx(45, abs=1)


@pytest.mark.parametrize("side", [301, 500, 1003, 2000])
def test_specks_and_lines_between_the_points_of_the_grid_count(side):
    corners, line = np.zeros((2, side, side), np.uint8)
    corners[0, 0] = corners[-1, -1] = 255
    line[7, 10:-10] = 255
    for mask in (corners, line):
        assert measure_mask(mask).shape_asymmetry == pytest.approx((0, 0), abs=0.03)


def test_it_is_the_overlap_that_a_mirrored_mask_has():
    random = np.random.default_rng(5)
    mask = ellipse(300, 180)
    for x, y in random.integers(60, 240, (6, 2)):
        mask |= np.roll(ellipse(70, 60), (y - 40, x - 40), (0, 1))[:1, :1]
        mask[y : y + 25, x : x + 40] = 255
    measured = measure_mask(mask)
    ys, xs = np.nonzero(mask)
    axis = math.radians(measured.symmetry_axis_degrees)
    for asymmetry, angle in zip(measured.shape_asymmetry, (axis, axis + math.pi / 2), strict=True):
        dx, dy = xs - measured.centroid_px[0], ys - measured.centroid_px[1]
        x = measured.centroid_px[0] + dx * math.cos(2 * angle) + dy * math.sin(2 * angle)
        y = measured.centroid_px[1] + dx * math.sin(2 * angle) - dy * math.cos(2 * angle)
        columns, rows = np.rint(x).astype(int), np.rint(y).astype(int)
        held = (columns >= 0) & (rows >= 0) & (columns < mask.shape[1]) & (rows < mask.shape[0])
        covered = mask[rows[held], columns[held]] > 0
        assert asymmetry == pytest.approx(1 - np.count_nonzero(covered) / len(xs), abs=0.01)


def test_the_colours_of_two_halves():
    mask = ellipse(400, 240)
    picture = np.full((*mask.shape, 3), (190, 195, 200), np.uint8)
    lesion = np.where(np.arange(mask.shape[1])[None, :, None] < mask.shape[1] / 2, 60, 120).astype(np.uint8)
    picture = np.where(mask[..., None] > 0, lesion, picture)
    measured = measure_mask(mask, picture)
    lightness = [116 * ((value / 255 + 0.055) / 1.055) ** (2.4 / 3) - 16 for value in (60, 120)]
    across = lightness[1] - lightness[0]
    along_is_first = min(measured.symmetry_axis_degrees, 180 - measured.symmetry_axis_degrees) < 2
    expected = (0, across) if along_is_first else (across, 0)
    assert measured.colour_asymmetry_delta_e == pytest.approx(expected, abs=1)


def test_one_colour_has_no_asymmetry():
    mask = half_disc(300)
    measured = measure_mask(mask, np.full((*mask.shape, 3), (60, 80, 120), np.uint8))
    assert measured.colour_asymmetry_delta_e == pytest.approx((0, 0), abs=1e-3)
