"""What must hold for every mask: turned, mirrored and enlarged alike, and never NaN."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from measure.shapes import blob, picture_of

from aernet.measure import measure_mask, outline

SEEDS = st.integers(0, 10_000)
LENGTHS = ("perimeter_px", "equivalent_diameter_px", "longest_diameter_px", "shortest_diameter_px")
PARTS = (
    "compactness", "solidity", "black_fraction", "dark_brown_fraction", "light_brown_fraction",
    "red_fraction", "white_fraction", "blue_grey_fraction",
)  # fmt: skip
COLOURS = ("lesion_lab", "lesion_lab_spread", "skin_lab", "skin_lab_spread")


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, turns=st.integers(0, 3), mirrored=st.booleans())
def test_turning_and_mirroring_change_nothing_but_the_place(seed, turns, mirrored):
    mask = blob(seed)
    picture = picture_of(mask, seed)
    as_it_is = measure_mask(mask, picture)

    def moved(array):
        array = np.rot90(array, turns)
        return np.ascontiguousarray(array[:, ::-1] if mirrored else array)

    turned = measure_mask(moved(mask), moved(picture))
    for name in ("area_px", "region_count", "touches_frame", "frame_border_fraction"):
        assert getattr(turned, name) == getattr(as_it_is, name)
    for name in LENGTHS + PARTS:
        assert getattr(turned, name) == pytest.approx(getattr(as_it_is, name), rel=1e-6)
    for name in COLOURS:
        assert getattr(turned, name) == pytest.approx(getattr(as_it_is, name), abs=1e-3)
    assert sum(turned.shape_asymmetry) == pytest.approx(sum(as_it_is.shape_asymmetry), abs=1e-3)


@settings(deadline=None, max_examples=15)
@given(seed=SEEDS, factor=st.integers(2, 4))
def test_enlarging_scales_lengths_and_leaves_the_rest(seed, factor):
    mask = blob(seed)
    picture = picture_of(mask, seed)
    small = measure_mask(mask, picture)
    large = measure_mask(*(array.repeat(factor, axis=0).repeat(factor, axis=1) for array in (mask, picture)))
    assert large.area_px == small.area_px * factor**2
    for name in LENGTHS:
        # The staircase of enlarged pixels is a part of their outline, and no longer smoothed away.
        tolerance = 0.12 if name == "perimeter_px" else 0.02
        assert getattr(large, name) == pytest.approx(getattr(small, name) * factor, rel=tolerance)
    # Of two pairs of axes that are nearly as good, each size may take another.
    assert large.shape_asymmetry == pytest.approx(small.shape_asymmetry, abs=0.03)
    for name in PARTS[2:]:
        assert getattr(large, name) == pytest.approx(getattr(small, name), abs=0.05)
    assert large.lesion_lab == pytest.approx(small.lesion_lab, abs=1)


@settings(deadline=None, max_examples=15)
@given(seed=SEEDS, x=st.integers(0, 40), y=st.integers(0, 40))
def test_the_place_in_the_frame_does_not_matter(seed, x, y):
    mask = blob(seed, 100)
    here = measure_mask(np.pad(mask, 40))
    there = measure_mask(np.pad(mask, ((y, 80 - y), (x, 80 - x))))
    for name in (*LENGTHS, *PARTS[:2]):
        assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-9)
    assert there.centroid_px == pytest.approx((here.centroid_px[0] + x - 40, here.centroid_px[1] + y - 40))


SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))
MASKS = SHAPES.flatmap(lambda shape: arrays.arrays(bool, shape))


@settings(deadline=None, max_examples=200)
@given(mask=MASKS, seed=SEEDS, scale=st.sampled_from([None, 0.02, (0.02, 0.03)]))
def test_any_mask_has_measurements_without_nan(mask, seed, scale):
    picture = np.random.default_rng(seed).integers(0, 256, (*mask.shape, 3), np.uint8)
    row = measure_mask(mask, picture, scale).row()
    json.dumps(row, allow_nan=False)
    assert row["area_px"] == np.count_nonzero(mask)
    if row["area_px"]:
        assert row["shortest_diameter_px"] <= row["longest_diameter_px"]
        assert row["compactness"] > 1 - 1e-9  # no shape has less outline than a disc of its area


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (2, 2), (3, 3), (1, 9)])
def test_few_pixels_have_the_outline_of_a_disc_of_their_area_at_least(height, width):
    mask = np.zeros((20, 20), np.uint8)
    mask[5 : 5 + height, 5 : 5 + width] = 255
    found = measure_mask(mask, mm_per_pixel=(0.5, 0.5))
    least = 2 * np.sqrt(np.pi * height * width)
    assert least - 1e-9 <= found.perimeter_px <= 2 * (height + width)
    assert found.perimeter_mm == pytest.approx(found.perimeter_px / 2)


@settings(deadline=None, max_examples=25)
@given(side=st.sampled_from([300, 1000, 2500]), count=st.integers(2, 6), seed=SEEDS)
def test_specks_have_measurements_without_nan(side, count, seed):
    random = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    mask[tuple(random.integers(0, side, (2, count)))] = 255
    picture = np.full((side, side, 3), (60, 80, 120), np.uint8)
    json.dumps(measure_mask(mask, picture).row(), allow_nan=False)


def test_specks_that_are_lost_in_means_have_no_colours():
    mask = np.zeros((6500, 6500), np.uint8)
    mask[3, 5] = mask[6490, 6497] = 255
    measured = measure_mask(mask, np.full((6500, 6500, 3), (60, 80, 120), np.uint8))
    assert (measured.area_px, measured.lesion_lab, measured.black_fraction) == (2, None, None)


def test_a_mask_may_be_longer_than_opencv_maps():
    measured = measure_mask(np.full((20, 40_000), 255, np.uint8), np.zeros((20, 40_000, 3), np.uint8))
    assert measured.shape_asymmetry == pytest.approx((0, 0), abs=0.03)


def test_specks_are_as_long_together_as_alone():
    rng = np.random.default_rng(2)
    forms = rng.integers(0, 2, (40, 40, 4, 4), np.uint8) * 255
    alone = 0.0
    for form in forms.reshape(-1, 4, 4):
        if form.any():
            alone += measure_mask(np.pad(form, 9)).perimeter_px
    together = np.pad(forms, ((0, 0), (0, 0), (1, 2), (2, 1))).swapaxes(1, 2).reshape(280, 280)
    assert measure_mask(together).perimeter_px == pytest.approx(alone)


def test_the_same_form_is_measured_once(monkeypatch):
    forms = []
    length = outline._length
    monkeypatch.setattr(outline, "_length", lambda form, scale: forms.append(form) or length(form, scale))
    mask = np.zeros((300, 300), np.uint8)
    mask[::3, ::3] = 255
    assert measure_mask(mask).region_count == 10_000
    assert len(forms) == 1
