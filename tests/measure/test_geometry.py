"""Sizes of shapes whose sizes are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from measure.shapes import ellipse, ellipse_perimeter, letter_l, rectangle

from aernet.measure import measure_mask

AREA = 0.005
PERIMETER = 0.01
ONE_PIXEL = 1.0
TURNED_CORNER = 1.5
"""The tip of a right angle that points along the rows or columns may lie between the pixels."""
ANGLES = {256: range(0, 180, 5), 1024: range(0, 180, 15), 4096: (0, 33)}
TURNED = [(size, degrees) for size, angles in ANGLES.items() for degrees in angles]


def check(mask, area, perimeter, longest, shortest, pixels=ONE_PIXEL):
    measured = measure_mask(mask)
    assert measured.area_px == pytest.approx(area, rel=AREA)
    assert measured.perimeter_px == pytest.approx(perimeter, rel=PERIMETER)
    assert measured.equivalent_diameter_px == pytest.approx(math.sqrt(4 * area / math.pi), rel=AREA)
    assert measured.longest_diameter_px == pytest.approx(longest, abs=pixels)
    assert measured.shortest_diameter_px == pytest.approx(shortest, abs=pixels)
    for ends, length in (
        (measured.longest_diameter_ends_px, measured.longest_diameter_px),
        (measured.shortest_diameter_ends_px, measured.shortest_diameter_px),
    ):
        assert math.dist(*ends) == pytest.approx(length)
    return measured


@pytest.mark.parametrize("diameter", [256, 511, 1024, 4096])
@pytest.mark.parametrize("shift", [(0, 0), (0.5, 0.5), (0.3, 0.1)])
def test_a_disc(diameter, shift):
    area, perimeter = math.pi * diameter**2 / 4, math.pi * diameter
    measured = check(ellipse(diameter, diameter, 0, shift), area, perimeter, diameter, diameter)
    assert measured.compactness == pytest.approx(1, abs=0.01)
    assert measured.solidity == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("long", "degrees"), TURNED)
def test_an_ellipse_at_every_angle(long, degrees):
    short = long * 0.6
    area, perimeter = math.pi * long * short / 4, ellipse_perimeter(long, short)
    measured = check(ellipse(long, short, degrees), area, perimeter, long, short)
    (x1, y1), (x2, y2) = measured.longest_diameter_ends_px
    assert math.degrees(math.atan2(y2 - y1, x2 - x1)) % 180 == pytest.approx(degrees, abs=6) or degrees == 0


@pytest.mark.parametrize(("long", "degrees"), TURNED)
def test_a_rectangle(long, degrees):
    short = long / 2
    mask = rectangle(long, short, degrees)
    measured = check(mask, long * short, 3 * long, math.hypot(long, short), short)
    assert measured.solidity == pytest.approx(1, abs=0.015)


@pytest.mark.parametrize(("side", "degrees"), TURNED)
def test_the_letter_l(side, degrees):
    hull = 7 / 8 * side**2
    mask = letter_l(side, degrees)
    measured = check(mask, 0.75 * side**2, 4 * side, side * math.sqrt(2), side, TURNED_CORNER)
    assert measured.solidity == pytest.approx(0.75 * side**2 / hull, rel=0.015)


@pytest.mark.parametrize(
    ("diameter", "area", "perimeter"),
    [(10, 0.06, 0.05), (20, 0.03, 0.01), (40, 0.01, 0.01), (128, 0.005, 0.005)],
)
def test_a_coarse_disc_is_less_exact(diameter, area, perimeter):
    for shift in ((0, 0), (0.5, 0.5), (0.3, 0.1), (0.2, 0.45)):
        measured = measure_mask(ellipse(diameter, diameter, 0, shift))
        assert measured.area_px == pytest.approx(math.pi * diameter**2 / 4, rel=area)
        assert measured.perimeter_px == pytest.approx(math.pi * diameter, rel=perimeter)


def test_the_width_is_that_of_the_narrowest_pair_of_parallel_lines():
    points = np.random.default_rng(3).integers(20, 180, (12, 2))
    mask = np.zeros((200, 200), np.uint8)
    mask[points[:, 1], points[:, 0]] = 255
    angles = np.radians(np.arange(0, 180, 0.01))
    across = points @ np.stack([np.cos(angles), np.sin(angles)])
    widths = across.max(axis=0) - across.min(axis=0) + 1
    measured = measure_mask(mask)
    assert measured.shortest_diameter_px == pytest.approx(widths.min(), abs=0.02)
    assert measured.longest_diameter_px == pytest.approx(widths.max(), abs=0.02)
    assert measured.region_count == 12


def test_holes_count_for_the_area_alone():
    disc = ellipse(300, 300)
    ring = np.where(ellipse(300, 300) > np.pad(ellipse(100, 100), 100), np.uint8(255), np.uint8(0))
    whole, holed = measure_mask(disc), measure_mask(ring)
    assert holed.area_px < whole.area_px
    assert holed.perimeter_px == whole.perimeter_px
    assert holed.compactness == whole.compactness
    assert holed.region_count == 1


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_row_of_pixels_is_as_long_as_it_is(length):
    mask = np.zeros((9, 12), np.uint8)
    mask[4, 2 : 2 + length] = 255
    measured = measure_mask(mask)
    assert (measured.longest_diameter_px, measured.shortest_diameter_px) == (length, 1)
    assert measured.bounding_box_px == (2, 4, length, 1)
    assert measured.centroid_px == (2 + (length - 1) / 2, 4)
    assert measured.solidity == 1


class TestFrame:
    def test_a_lesion_inside_does_not_touch(self):
        mask = np.zeros((20, 30), np.uint8)
        mask[1:-1, 1:-1] = 255
        measured = measure_mask(mask)
        assert (measured.touches_frame, measured.frame_border_fraction) == (False, 0)

    @pytest.mark.parametrize("side", [np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]])
    def test_each_side_counts(self, side):
        mask = np.zeros((20, 30), np.uint8)
        mask[side] = 255
        measured = measure_mask(mask)
        assert measured.touches_frame
        assert measured.frame_border_fraction == np.count_nonzero(mask) / (2 * 30 + 2 * 18)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2)])
    def test_a_frame_without_an_inside(self, shape):
        measured = measure_mask(np.full(shape, 255, np.uint8))
        assert measured.frame_border_fraction == 1

    @pytest.mark.parametrize("shape", [(1, 4), (4, 1), (2, 2)])
    def test_no_pixel_of_it_counts_twice(self, shape):
        mask = np.zeros(shape, np.uint8)
        mask[0, 0] = 255
        assert measure_mask(mask).frame_border_fraction == 0.25


class TestMillimetres:
    def test_are_not_guessed(self):
        row = measure_mask(ellipse(100, 60)).row()
        assert all(value is None for name, value in row.items() if "_mm" in name or name.startswith("mm_"))

    def test_scale_the_pixels(self):
        measured = measure_mask(ellipse(100, 60, 20), mm_per_pixel=0.05)
        assert measured.mm_per_pixel == (0.05, 0.05)
        assert measured.area_mm2 == pytest.approx(measured.area_px * 0.0025)
        for name in ("perimeter", "equivalent_diameter", "longest_diameter", "shortest_diameter"):
            in_pixels = getattr(measured, f"{name}_px")
            assert getattr(measured, f"{name}_mm") == pytest.approx(in_pixels * 0.05)

    def test_of_pixels_that_are_nearly_square_are_those_of_the_true_outline(self):
        # A disc of 12 mm whose rows are 0.0306 mm apart and whose columns 0.03 mm.
        mask = rectangle(400, 400) * 0
        y, x = np.indices(mask.shape)
        centre = mask.shape[0] / 2
        mask[np.hypot((x - centre) * 0.03, (y - centre) * 0.0306) <= 6] = 255
        measured = measure_mask(mask, mm_per_pixel=(0.0306, 0.03))
        assert measured.mm_per_pixel == (0.03, 0.0306)
        assert measured.area_mm2 == pytest.approx(math.pi * 36, rel=AREA)
        assert measured.perimeter_mm == pytest.approx(math.pi * 12, rel=PERIMETER)
        assert measured.longest_diameter_mm == pytest.approx(12, abs=0.031)
        assert measured.shortest_diameter_mm == pytest.approx(12, abs=0.031)

    def test_of_pixels_that_are_not_square_are_an_area_alone(self):
        measured = measure_mask(ellipse(100, 60), mm_per_pixel=(0.05, 0.06))
        assert measured.area_mm2 == pytest.approx(measured.area_px * 0.003)
        in_mm = {name: value for name, value in measured.row().items() if name.endswith("_mm")}
        assert len(in_mm) == 4
        assert set(in_mm.values()) == {None}
