"""What a result measures, saves and shows in a notebook."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from aernet import AernetError, FrameError, Segmentation
from aernet.measure import measure_mask
from aernet.measure.row import LESION_COLUMNS, lesion_row
from aernet.quality import Quality

ONE_TO_THREE = Quality(math.log(1 / 3), 0.0, 0.0, 0.75, [0.0] * 9, np.eye(9).tolist(), 1e9)
"""It expects a Dice of 0.25 of every mask."""


@pytest.fixture
def result():
    """A dark disc of radius 30 on skin, with some noise."""
    frame = np.full((120, 160, 3), (140, 160, 200), np.uint8)
    mask = np.zeros((120, 160), np.uint8)
    cv2.circle(mask, (70, 60), 30, 255, cv2.FILLED)
    frame[mask > 0] = (30, 50, 90)
    frame += np.random.default_rng(0).integers(0, 20, frame.shape, np.uint8)
    return Segmentation(frame, mask, np.zeros((8, 8), np.float32), 0.5, 2.0)


def test_a_result_measures_its_mask_in_its_own_picture(result):
    assert result.measure() == measure_mask(result.mask, result.frame)
    assert result.measure(0.1) == measure_mask(result.mask, result.frame, 0.1)
    assert result.measure(0.1).longest_diameter_mm == pytest.approx(6.1, abs=0.1)
    red_first = replace(result, frame=np.ascontiguousarray(result.frame[..., ::-1]), colour="rgb")
    assert red_first.measure() == result.measure()


def test_a_gray_frame_has_no_colours(result):
    gray = cv2.cvtColor(result.frame, cv2.COLOR_BGR2GRAY)
    for frame in (gray, gray[..., None]):
        assert replace(result, frame=frame).measure() == measure_mask(result.mask)
    as_colours = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)  # as a gray file is read
    assert replace(result, frame=as_colours).measure() == measure_mask(result.mask)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_what_is_no_scale_is_refused(result, scale):
    for ask in (result.measure, result.row, result.figure):
        with pytest.raises(FrameError, match=r"^mm_per_pixel: "):
            ask(scale)


def test_a_row_has_the_measurements_and_how_far_to_trust_them(result):
    row = result.row(0.1)
    measured = measure_mask(result.mask, result.frame, 0.1).row()
    assert [*row][: 3 + len(measured)] == ["width", "height", "area_fraction", *measured]
    assert (row["width"], row["height"], row["threshold"]) == (160, 120, 0.5)
    assert row["area_px"] == np.count_nonzero(result.mask)
    for name, value in measured.items():
        assert row[name] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value)
    assert row["expected_dice"] is row["needs_review"] is None
    assert all(len(repr(value)) < 13 for value in row.values())
    calibrated = replace(result, quality=ONE_TO_THREE)
    trusted = calibrated.row(0.1)
    assert (trusted["expected_dice"], trusted["needs_review"]) == (0.25, True)
    assert row.keys() == trusted.keys()
    empty = replace(result, mask=np.zeros_like(result.mask)).row()
    assert empty.keys() == row.keys()
    assert empty["longest_diameter_px"] is None


@pytest.mark.parametrize("scale", [None, 0.1])
def test_the_columns_hold_what_they_say(result, scale):
    for mask in (result.mask, np.zeros_like(result.mask)):
        row = lesion_row(mask, measure_mask(mask, result.frame, scale))
        assert tuple(row) == tuple(LESION_COLUMNS)
        for name, value in row.items():
            assert value is None or type(value) in {LESION_COLUMNS[name], int}, name
            assert value is None or isinstance(value, bool) == (LESION_COLUMNS[name] is bool), name


def test_saved_files_are_what_the_result_holds(result, tmp_path):
    paths = result.save(tmp_path / "out", "a.b", mm_per_pixel=0.1)
    endings = ("_mask.png", "_overlay.jpg", "_contours.json", "_measurements.json")
    assert paths == [tmp_path / "out" / f"a.b{ending}" for ending in endings]
    assert sorted(paths) == sorted((tmp_path / "out").iterdir())
    mask, overlay, contours, measurements = paths
    np.testing.assert_array_equal(cv2.imread(str(mask), cv2.IMREAD_UNCHANGED), result.mask)
    assert np.abs(cv2.imread(str(overlay)).astype(int) - result.overlay()).mean() < 6
    assert json.loads(measurements.read_text(encoding="utf-8")) == result.row(0.1)
    saved = json.loads(contours.read_text(encoding="utf-8"))
    filled = cv2.fillPoly(
        np.zeros_like(result.mask), [np.int32(border) for border in saved.pop("contours")], 255
    )
    np.testing.assert_array_equal(filled, result.mask)
    assert saved == result.row(0.1)


def test_saving_again_replaces_and_a_failure_leaves_what_was_there(result, tmp_path):
    (first, *_) = result.save(tmp_path, "a")
    before = first.read_bytes()
    with pytest.raises(FrameError):
        result.save(tmp_path, "a", mm_per_pixel=0)
    assert first.read_bytes() == before
    empty = replace(result, mask=np.zeros_like(result.mask))
    empty.save(str(tmp_path), "a")
    assert not cv2.imread(str(first), cv2.IMREAD_UNCHANGED).any()
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("name", ["", "x/y", "../x", "/x", ".", "a\0b"])
def test_what_is_no_name_of_a_file_is_refused(result, tmp_path, name):
    with pytest.raises(AernetError, match=r"^name must be the start of a file's name"):
        result.save(tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_a_notebook_shows_the_overlay(result):
    shown = cv2.imdecode(np.frombuffer(result._repr_png_(), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(shown, result.overlay())
    large = Segmentation(
        np.full((900, 3000, 3), 90, np.uint8), np.zeros((900, 3000), np.uint8), result.probability, 0.5, 1.0
    )
    assert cv2.imdecode(np.frombuffer(large._repr_png_(), np.uint8), cv2.IMREAD_COLOR).shape == (307, 1024, 3)


def test_a_figure_shows_the_frame_in_its_colours(result):
    red_first = replace(result, frame=np.ascontiguousarray(result.frame[..., ::-1]), colour="rgb")
    np.testing.assert_array_equal(red_first.figure(0.1), result.figure(0.1))
    calibrated = replace(result, quality=ONE_TO_THREE)
    assert np.count_nonzero(calibrated.figure() < 100) > np.count_nonzero(result.figure() < 100)


@pytest.mark.parametrize(("least_dice", "words"), [(0.75, "yes"), (0.2, "no")])
def test_a_figure_says_in_words_how_far_to_trust_it(result, monkeypatch, least_dice, words):
    written = []
    monkeypatch.setattr("aernet.measure.figure.draw_figure", lambda *args: written.append(args[-1]))
    quality = Quality(math.log(1 / 3), 0.0, 0.0, least_dice, [0.0] * 9, np.eye(9).tolist(), 1e9)
    replace(result, quality=quality).figure()
    result.figure()
    assert written == [{"Expected Dice": "0.25", "Needs review": words}, {}]


def test_the_expected_dice_of_a_row_has_four_digits(result):
    row = replace(result, quality=Quality(0.3, 0.0, 0.0, 0.5, [0.0] * 9, np.eye(9).tolist(), 1e9)).row()
    assert (row["expected_dice"], row["needs_review"]) == (0.5744, False)
