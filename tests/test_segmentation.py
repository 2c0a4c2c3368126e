from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from aernet import AernetError, FrameError, Nv12Frame, Segmentation
from aernet.prediction import HostPrediction
from aernet.quality import Quality


def segmentation(mask, frame=None, **fields):
    frame = np.full((*mask.shape, 3), 120, np.uint8) if frame is None else frame
    arguments = {"probability": np.zeros((8, 8), np.float32), "threshold": 0.5, "latency_ms": 2.0} | fields
    return Segmentation(frame=frame, mask=mask, **arguments)


@pytest.fixture
def blobs():
    """Two regions: a ring of 40 x 30 with a hole of 20 x 10, and a square of 12 x 12."""
    mask = np.zeros((80, 100), np.uint8)
    mask[10:40, 20:60] = 255
    mask[20:30, 30:50] = 0
    mask[60:72, 70:82] = 255
    return mask


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("frame", np.zeros((80, 100, 3), np.float32), "float32 80 x 100 x 3"),
        ("frame", np.zeros(80, np.uint8), "uint8 80"),
        ("mask", np.zeros((80, 99), np.uint8), "80 x 100, got uint8 80 x 99"),
        ("mask", np.zeros((80, 100), bool), "bool"),
        ("probability", np.zeros((1, 8, 8), np.float32), "float32 1 x 8 x 8"),
        ("probability", np.zeros((8, 8)), "float64"),
        ("probability", np.zeros(8, np.float32), "float32 8"),
        ("threshold", 0.0, "0.0"),
        ("threshold", 1.0, "1.0"),
        ("latency_ms", float("nan"), "nan"),
        ("latency_ms", float("inf"), "inf"),
        ("latency_ms", -1.0, "-1.0"),
        ("mask", np.zeros((80, 100), np.float32), "float32"),
        ("colour", "hsv", "'hsv'"),
    ],
)
def test_a_field_that_breaks_the_contract_is_named(blobs, field, value, found):
    fields = {"frame": np.zeros((80, 100, 3), np.uint8), "mask": blobs} | {field: value}
    with pytest.raises(FrameError, match=f"^{field} must be") as error:
        segmentation(**fields)
    assert found in str(error.value)
    assert "\n" not in str(error.value)


def test_area_fraction(blobs):
    assert segmentation(blobs).area_fraction == (40 * 30 - 20 * 10 + 12 * 12) / 8000
    assert segmentation(np.zeros_like(blobs)).area_fraction == 0


def test_repr_says_what_was_found_and_shows_no_pixels(blobs):
    expected = "Segmentation(frame=(80, 100, 3), area_fraction=0.1430, {}threshold=0.5, latency_ms=2.0)"
    assert repr(segmentation(blobs)) == expected.format("")
    quality = Quality(0.0, 0.0, 0.0, 0.75, [0.0] * 9, np.eye(9).tolist(), 1.0)
    calibrated = segmentation(blobs, quality=quality)
    assert repr(calibrated) == expected.format("expected_dice=0.500, ")


def test_contours_are_the_corners_of_rectangles_largest_first(blobs):
    large, small = segmentation(blobs).contours()
    assert large.dtype == small.dtype == np.int32
    assert {tuple(point) for point in large} == {(20, 10), (20, 39), (59, 39), (59, 10)}
    assert {tuple(point) for point in small} == {(70, 60), (70, 71), (81, 71), (81, 60)}


@pytest.mark.parametrize("seed", range(5))
def test_contours_filled_are_the_mask_with_its_holes_closed(seed):
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.standard_normal((90, 70)), (0, 0), 1.5)
    mask = np.where(noise > 0.05, np.uint8(255), np.uint8(0))
    contours = segmentation(mask).contours()
    filled = cv2.fillPoly(np.zeros_like(mask), contours, 255)
    # Independently: the holes are the background that cannot be reached from outside, 4-connected.
    outside = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(outside, None, (0, 0), 128)
    closed = np.where(outside[1:-1, 1:-1] == 128, np.uint8(0), np.uint8(255))
    assert not np.array_equal(closed, mask)
    np.testing.assert_array_equal(filled, closed)
    areas = [cv2.contourArea(contour) for contour in contours]
    assert areas == sorted(areas, reverse=True)


def test_an_empty_mask_has_no_contours(blobs):
    assert segmentation(np.zeros_like(blobs)).contours() == []


def test_a_single_pixel_has_a_contour():
    mask = np.zeros((5, 6), np.uint8)
    mask[2, 3] = 255
    (contour,) = segmentation(mask).contours()
    np.testing.assert_array_equal(contour, [[3, 2]])


def test_largest_keeps_one_region_and_fills_its_holes(blobs):
    result = segmentation(blobs)
    largest = result.largest()
    expected = np.zeros_like(blobs)
    expected[10:40, 20:60] = 255
    np.testing.assert_array_equal(largest.mask, expected)
    assert result.mask[65, 75] == 255
    assert largest.probability is result.probability


def test_largest_counts_pixels_and_not_what_is_enclosed(blobs):
    mask = np.zeros_like(blobs)
    cv2.rectangle(mask, (2, 2), (60, 60), 255, 1)
    mask[5:75, 64:98] = 255
    np.testing.assert_array_equal(segmentation(mask).largest().mask[:, :64], 0)


@pytest.mark.parametrize("value", [0, 255])
def test_largest_of_a_uniform_mask_is_itself(value):
    mask = np.full((20, 30), value, np.uint8)
    np.testing.assert_array_equal(segmentation(mask).largest().mask, mask)


def test_overlay_outlines_and_tints_the_lesion_alone(blobs):
    rng = np.random.default_rng(2)
    frame = rng.integers(0, 200, (80, 100, 3), np.uint8)
    before = frame.copy()
    overlay = segmentation(blobs, frame).overlay()
    assert overlay.dtype == np.uint8
    np.testing.assert_array_equal(frame, before)
    near = cv2.dilate(blobs, np.ones((5, 5), np.uint8)) > 0
    np.testing.assert_array_equal(overlay[~near], frame[~near])
    blue, green, red = overlay[10, 40].astype(int)
    assert green > 200
    assert green > max(blue, red) + 100
    inside = overlay[25, 25].astype(int) - frame[25, 25]
    assert np.abs(inside).max() <= 0.15 * 255 + 1
    assert inside.any()


def test_an_overlay_takes_a_colour_and_a_tint(blobs):
    frame = np.random.default_rng(4).integers(0, 200, (80, 100, 3), np.uint8)
    ours = segmentation(blobs, frame).overlay((0, 0, 255), tint=0.5)
    expected = frame.copy()
    expected[blobs > 0] = np.round(frame[blobs > 0] / 2 + np.array((0, 0, 127.5)))
    away = cv2.dilate(cv2.Canny(blobs, 1, 1), np.ones((7, 7), np.uint8)) == 0
    assert np.abs(ours[away].astype(int) - expected[away]).max() <= 1
    assert ours[10, 40, 2] > 200 > ours[10, 40, :2].max()


def test_an_overlay_without_tint_leaves_the_colours_of_the_lesion(blobs):
    frame = np.random.default_rng(5).integers(0, 200, (80, 100, 3), np.uint8)
    overlay = segmentation(blobs, frame, colour="rgb").overlay(tint=0)
    away = cv2.dilate(cv2.Canny(blobs, 1, 1), np.ones((7, 7), np.uint8)) == 0
    assert (blobs[away] > 0).any()
    np.testing.assert_array_equal(overlay[away], frame[..., ::-1][away])
    assert (overlay != frame[..., ::-1]).any()


@pytest.mark.parametrize("colour", [(1, 2), (0, 0, 256), (0, -1, 0), "red", 7, (0.5, 0, 0), None])
def test_an_overlay_refuses_what_is_no_colour(blobs, colour):
    with pytest.raises(AernetError, match=r"^colour must be blue, green and red, each from 0 to 255, got"):
        segmentation(blobs).overlay(colour)


@pytest.mark.parametrize("tint", [-0.1, 1.1, float("nan")])
def test_an_overlay_refuses_what_is_no_share(blobs, tint):
    with pytest.raises(AernetError, match=rf"^tint must be from 0, .* got {tint}$"):
        segmentation(blobs).overlay(tint=tint)


def test_the_outline_grows_with_the_picture():
    def share(side):
        mask = np.zeros((side, side), np.uint8)
        mask[side // 4 : side // 2, side // 4 : side // 2] = 255
        overlay = segmentation(mask, np.zeros((side, side, 3), np.uint8)).overlay()
        return np.count_nonzero(overlay[side // 3, :, 1] > 200)

    assert share(300) == 2
    assert share(1200) >= 3 * share(300)


@pytest.mark.parametrize("colour", ["bgr", "rgb"])
@pytest.mark.parametrize("channels", [3, 4])
def test_overlay_is_bgr_whatever_the_frame(colour, channels):
    frame = np.zeros((20, 30, channels), np.uint8)
    frame[..., 0 if colour == "bgr" else 2] = 200  # blue
    overlay = segmentation(np.zeros((20, 30), np.uint8), frame, colour=colour).overlay()
    np.testing.assert_array_equal(overlay, np.broadcast_to((200, 0, 0), (20, 30, 3)))


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1)])
def test_overlay_of_a_gray_frame(shape):
    frame = np.arange(600, dtype=np.uint16).reshape(shape).astype(np.uint8)
    overlay = segmentation(np.zeros((20, 30), np.uint8), frame).overlay()
    np.testing.assert_array_equal(overlay, cv2.cvtColor(frame.reshape(20, 30), cv2.COLOR_GRAY2BGR))


def test_overlay_of_a_flipped_view_is_not_read_wrongly():
    frame = np.random.default_rng(3).integers(0, 256, (20, 30, 3), np.uint8)[::-1, ::-1]
    overlay = segmentation(np.zeros((20, 30), np.uint8), frame).overlay()
    np.testing.assert_array_equal(overlay, frame)


@pytest.mark.parametrize("colour", ["bgr", "rgb"])
def test_planes_are_of_no_other_colour(colour):
    frame = Nv12Frame(np.zeros((4, 6), np.uint8), np.zeros((2, 6), np.uint8))
    mask = np.zeros((4, 6), np.uint8)
    assert segmentation(mask, frame, colour="nv12").colour == "nv12"
    with pytest.raises(FrameError, match=f"^colour must be 'nv12' for an Nv12Frame, got '{colour}'$"):
        segmentation(mask, frame, colour=colour)


def test_the_least_values_of_the_fields(blobs):
    assert segmentation(blobs, latency_ms=0.0, threshold=1e-6).latency_ms == 0
    assert segmentation(blobs, threshold=0.999).threshold == 0.999


def test_a_result_is_itself_alone_and_cannot_be_changed(blobs):
    one, other = segmentation(blobs), segmentation(blobs)
    assert one == one  # noqa: PLR0124 - arrays would be compared otherwise
    assert len({one, other}) == 2
    with pytest.raises(AttributeError):
        one.threshold = 0.4


@pytest.mark.parametrize(
    ("least_dice", "furthest", "review"),
    [(0.5, 1e9, False), (0.7, 1e9, True), (0.5, 0.0, True), (0.7, 0.0, True)],
)
def test_a_low_dice_and_strange_colours_each_ask_for_review(blobs, least_dice, furthest, review):
    """The odds of the expected Dice are 3 to 2."""
    quality = Quality(math.log(3 / 2), 0.0, 0.0, least_dice, [0.5] * 9, np.eye(9).tolist(), furthest)
    result = segmentation(blobs, quality=quality)
    assert result.expected_dice == pytest.approx(0.6)
    assert result.needs_review is review


def test_what_was_not_calibrated_has_no_expectation(blobs):
    for name in ("expected_dice", "needs_review"):
        with pytest.raises(AernetError, match="the model was not calibrated"):
            getattr(segmentation(blobs), name)


def test_the_latency_is_the_time_since_the_frame_came_in_milliseconds(blobs, monkeypatch):
    frame = np.zeros((*blobs.shape, 3), np.uint8)
    prediction = HostPrediction(frame, np.zeros((8, 8), np.float32))
    monkeypatch.setattr("time.perf_counter", lambda: 12.5)
    assert Segmentation.of(frame, prediction, 0.5, started=10.0).latency_ms == 2500
