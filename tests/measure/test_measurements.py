"""The record of measurements, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from measure.shapes import blob, picture_of

from aernet import FrameError
from aernet.measure import Measurements, measure_mask

EMPTY = np.zeros((40, 60), np.uint8)
LEAST = {"area_px": 9, "touches_frame": False, "frame_border_fraction": 0.0, "region_count": 1}


class TestRow:
    def test_has_the_same_names_for_every_mask(self):
        mask = blob(1)
        rows = [
            measure_mask(mask).row(),
            measure_mask(mask, picture_of(mask), 0.05).row(),
            measure_mask(EMPTY).row(),
        ]
        assert list(rows[0]) == list(rows[1]) == list(rows[2])

    def test_is_flat_and_of_plain_values(self):
        mask = blob(1)
        row = measure_mask(mask, picture_of(mask), (0.05, 0.05)).row()
        assert {type(value) for value in row.values()} == {int, float, bool}
        assert json.loads(json.dumps(row, allow_nan=False)) == row

    def test_names_the_parts_of_what_has_several(self):
        mask = blob(1)
        measured = measure_mask(mask, picture_of(mask), (0.05, 0.0501))
        row = measured.row()
        assert (row["mm_per_pixel_x"], row["mm_per_pixel_y"]) == (0.0501, 0.05)
        assert (row["centroid_px_x"], row["centroid_px_y"]) == measured.centroid_px
        ends = [row[f"longest_diameter_ends_px_{part}"] for part in ("x1", "y1", "x2", "y2")]
        assert ((ends[0], ends[1]), (ends[2], ends[3])) == measured.longest_diameter_ends_px
        assert row["skin_lab_b"] == measured.skin_lab[2]
        assert row["edge_delta_e_eighth8"] == measured.edge_delta_e[7]


class TestWhatCannotBeSaid:
    def test_an_empty_mask_has_an_area_alone(self):
        row = measure_mask(EMPTY, np.zeros((40, 60, 3), np.uint8), 0.05).row()
        told = {name: value for name, value in row.items() if value is not None}
        assert told == {
            "area_px": 0,
            "touches_frame": False,
            "frame_border_fraction": 0,
            "region_count": 0,
            "mm_per_pixel_x": 0.05,
            "mm_per_pixel_y": 0.05,
        }

    def test_without_a_picture_there_are_no_colours(self):
        row = measure_mask(blob(2)).row()
        none = {
            name for name, value in row.items() if value is None and not {"mm", "mm2"} & {*name.split("_")}
        }
        with_picture = measure_mask(blob(2), picture_of(blob(2))).row()
        assert none == {name for name in row if row[name] != with_picture[name]}
        assert {"lesion_lab_l", "colour_count", "abrupt_eighths"} <= none


class TestRefusals:
    @pytest.mark.parametrize(
        ("scale", "found"),
        [
            (0, "above 0, found 0"),
            (-0.1, "above 0, found -0.1"),
            (float("nan"), "above 0, found nan"),
            (float("inf"), "above 0, found inf"),
            ((0.1, 0), r"above 0, found \(0.1, 0\)"),
            ((0.1, 0.1, 0.1), r"found \(0.1, 0.1, 0.1\)"),
            (("0.1", "0.1"), r"found \('0.1', '0.1'\)"),
        ],
    )
    def test_of_a_scale(self, scale, found):
        with pytest.raises(FrameError, match=rf"^mm_per_pixel: expected .*{found}$"):
            measure_mask(blob(1), mm_per_pixel=scale)

    @pytest.mark.parametrize(
        ("mask", "found"),
        [
            (None, "found NoneType"),
            (np.zeros((4, 4, 3), np.uint8), "found uint8, 4 x 4 x 3"),
            (np.zeros((4, 4), np.float32), "found float32, 4 x 4"),
            (np.zeros((0, 4), np.uint8), "found uint8, 0 x 4"),
            (np.arange(16, dtype=np.uint8).reshape(4, 4), "found other values between them"),
        ],
    )
    def test_of_a_mask(self, mask, found):
        with pytest.raises(FrameError, match=rf"^mask: expected .*{found}$"):
            measure_mask(mask)

    @pytest.mark.parametrize(
        ("picture", "found"),
        [
            (np.zeros((40, 60), np.uint8), "found uint8, 40 x 60"),
            (np.zeros((41, 60, 3), np.uint8), "found uint8, 41 x 60 x 3"),
            (np.zeros((40, 60, 3), np.float32), "found float32, 40 x 60 x 3"),
            ("picture.jpg", "found str"),
        ],
    )
    def test_of_a_picture(self, picture, found):
        with pytest.raises(FrameError, match=rf"^picture: expected uint8 BGR .*40 x 60 x 3, {found}$"):
            measure_mask(EMPTY, picture)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("perimeter_px", float("nan")),
            ("longest_diameter_mm", float("inf")),
            ("area_mm2", -1.0),
            ("black_fraction", 1.5),
            ("shape_asymmetry", (0.1, 1.1)),
            ("solidity", -0.1),
            ("lesion_lab", (50.0, float("nan"), 0.0)),
        ],
    )
    def test_of_a_value(self, field, value):
        with pytest.raises(FrameError, match=f"^{field}.*: expected"):
            Measurements(**LEAST, **{field: value})

    def test_of_a_diameter_for_an_empty_mask(self):
        with pytest.raises(FrameError, match=r"^longest_diameter_px: expected None for an empty mask"):
            Measurements(**(LEAST | {"area_px": 0}), longest_diameter_px=3.0)


@pytest.mark.parametrize("scale", [np.float32(0.25), np.float64(0.25), np.array([0.25, 0.25], np.float32)])
def test_a_scale_may_be_of_numpy(scale):
    assert measure_mask(blob(4), mm_per_pixel=scale) == measure_mask(blob(4), mm_per_pixel=0.25)


def test_masks_of_one_and_of_booleans_are_taken():
    mask = blob(4)
    assert measure_mask(mask) == measure_mask(mask > 0) == measure_mask(mask // 255)


def test_a_view_is_taken_and_nothing_is_written_to():
    mask = blob(4)
    picture = picture_of(mask)
    mask.setflags(write=False)
    picture.setflags(write=False)
    twice = measure_mask(mask[::-1], picture[::-1])
    assert twice == measure_mask(np.ascontiguousarray(mask[::-1]), np.ascontiguousarray(picture[::-1]))


def test_it_needs_no_runner():
    code = (
        "import sys; import aernet.measure; before = set(sys.modules);"
        " import numpy; aernet.measure.measure_mask(numpy.ones((9, 9), bool));"
        " assert not {'onnxruntime', 'torch', 'skimage', 'scipy'} & (set(sys.modules) - before)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
