"""Figures, by the colours of their pixels where something has to be drawn, and where nothing may be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from aernet.drawing import OUTLINE
from aernet.measure import measure_mask
from aernet.measure.captions import captions
from aernet.measure.figure import AXES, LONGEST, SHORTEST, draw_figure


def lesion(width, height):
    """Make a picture of plain skin and an ellipse that is twice as long as high, turned by 20 degrees."""
    picture = np.full((height, width, 3), (140, 160, 200), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    half = (round(0.3 * min(width, height)), round(0.15 * min(width, height)))
    cv2.ellipse(mask, (width // 2, height // 2), half, 20, 0, 360, 255, cv2.FILLED)
    picture[mask > 0] = (40, 60, 110)
    return picture, mask


def is_near(figure, point, colour, within):
    """Tell whether a colour is found so many pixels around a point (x, y)."""
    x, y = (round(value) for value in point)
    part = figure[max(0, y - within) : y + within + 1, max(0, x - within) : x + within + 1].astype(int)
    return bool((np.abs(part - colour).max(-1) < 40).any())


@pytest.mark.parametrize(
    ("width", "height", "times"), [(200, 150, 4), (150, 200, 4), (683, 512, 1), (4000, 3000, 1)]
)
def test_outline_diameters_and_axes_are_where_they_were_measured(width, height, times):
    picture, mask = lesion(width, height)
    before = picture.copy()
    measurements = measure_mask(mask, picture)
    figure = draw_figure(picture, mask, measurements)
    np.testing.assert_array_equal(picture, before)
    assert figure.dtype == np.uint8
    assert figure.shape[0] >= height * times
    assert figure.shape[1] > width * times
    within = 2 * times + width // 300
    for ends, colour in (
        (measurements.longest_diameter_ends_px, LONGEST),
        (measurements.shortest_diameter_ends_px, SHORTEST),
    ):
        start, end = np.asarray(ends)
        for share in (0, 0.2, 0.8, 1):
            assert is_near(figure, times * (start + share * (end - start)), colour, within)
    border = measurements.centroid_px[0], np.nonzero(mask[:, width // 2])[0][0]
    assert is_near(figure, np.multiply(border, times), OUTLINE, 6 * within)
    turn = np.deg2rad(measurements.symmetry_axis_degrees)
    for way in ((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))):
        reach = 0.55 * measurements.longest_diameter_px * np.asarray(way)
        assert is_near(figure, times * (np.asarray(measurements.centroid_px) + reach), AXES, 16 * within)


def test_the_lesion_has_no_tint_and_the_skin_stays():
    picture, mask = lesion(800, 600)
    figure = draw_figure(picture, mask, measure_mask(mask, picture))[:600, :800]
    changed = (figure != picture).any(-1)
    assert 0.005 < changed.mean() < 0.1
    assert not changed[:20].any()


def test_the_panel_grows_with_the_picture():
    figures = {
        width: draw_figure(*lesion(width, height), measure_mask(lesion(width, height)[1]))
        for width, height in ((1280, 960), (2560, 1920))
    }
    small, large = (figure.shape[1] - width for width, figure in figures.items())
    assert large == pytest.approx(2 * small, rel=0.05)


def test_what_is_known_beside_the_measurements_is_written_too():
    picture, mask = lesion(640, 480)
    plain, more = (
        draw_figure(picture, mask, measure_mask(mask), further)
        for further in (None, {"Expected Dice": "0.91"})
    )
    assert np.count_nonzero(more < 128) > np.count_nonzero(plain < 128)


def test_a_figure_of_an_empty_mask_has_nothing_on_the_picture():
    picture, mask = lesion(640, 480)
    mask[:] = 0
    figure = draw_figure(picture, mask, measure_mask(mask, picture))
    np.testing.assert_array_equal(figure[:480, :640], picture)
    assert (figure[:, 640:] < 128).any()


def test_captions_are_in_millimetres_where_a_scale_is_known():
    _, mask = lesion(640, 480)
    in_pixels, in_mm = (dict(captions(measure_mask(mask, mm_per_pixel=scale))) for scale in (None, 0.02))
    assert in_pixels.keys() == in_mm.keys()
    longest = measure_mask(mask).longest_diameter_px
    assert in_pixels["Longest diameter"] == f"{longest:.1f} px"
    assert in_mm["Longest diameter"] == f"{0.02 * longest:.2f} mm"
    assert in_mm["Area"].endswith(" mm2")
    assert in_pixels["Area"] == f"{np.count_nonzero(mask):,} px"


def test_captions_say_what_is_not_known():
    told = dict(captions(measure_mask(np.zeros((9, 9), np.uint8))))
    assert told["Area"] == "0 px"
    assert {
        told["Longest diameter"],
        told["Solidity"],
        told["Abrupt border"],
        told["Contrast with the skin"],
    } == {"-"}
    assert told["Reaches the edge of the picture"] == "no"
    assert all(text.isascii() for caption in told.items() for text in caption)
