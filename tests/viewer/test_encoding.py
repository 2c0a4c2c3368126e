from __future__ import annotations

import cv2
import numpy as np
import pytest

from aernet.video import State, VideoResult
from aernet.viewer.encoding import encode_view


def test_a_view_is_the_frame_the_outline_and_the_probability(viewer, watch, parts):
    with watch(viewer) as stream:
        message = next(message for message in stream if isinstance(message, bytes))
        header, picture, gray = parts(message)
        result = viewer._broadcast.find(header["frame"])
    segmentation = result.segmentation
    assert (header["width"], header["height"]) == picture.shape[1::-1] == (320, 180)
    assert header["state"] == result.state.value
    area = cv2.countNonZero(segmentation.mask)
    assert header["area"] == (f"{area:,} px" if area else "-")
    assert cv2.PSNR(picture, segmentation.frame) > 28
    assert np.abs(gray / 255 - segmentation.probability).mean() < 0.02
    drawn = np.zeros((180, 320), np.uint8)
    borders = [np.reshape(points, (-1, 1, 2)) for points in header["outlines"]]
    cv2.drawContours(drawn, borders, -1, 255, cv2.FILLED)
    whole = np.zeros_like(drawn)
    cv2.drawContours(whole, segmentation.contours(), -1, 255, cv2.FILLED)
    assert cv2.countNonZero(whole) > 0
    assert np.mean(drawn != whole) < 0.02


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160), (1000, 1500)])
def test_a_large_picture_is_sent_smaller_with_the_outline_of_the_whole(segmenter, examples, parts, size):
    frame = cv2.resize(cv2.imread(str(examples[0])), size)
    result = VideoResult(segmenter(frame), State.LESION, 7, 0.25, 0, 1.0)
    header, picture, _gray = parts(encode_view(result))
    assert (header["frame"], header["seconds"]) == (7, 0.25)
    assert (header["width"], header["height"]) == size
    assert max(picture.shape) == 1280
    measured = result.segmentation.measure(0.01)
    assert header["diameter"] == f"{measured.longest_diameter_px:,.0f} px"
    in_mm, _, _ = parts(encode_view(result, 0.01))
    assert (in_mm["area"], in_mm["diameter"]) == (
        f"{measured.area_mm2:.2f} mm²",
        f"{measured.longest_diameter_mm:.2f} mm",
    )
    assert cv2.PSNR(cv2.resize(frame, picture.shape[1::-1], interpolation=cv2.INTER_AREA), picture) > 28
    drawn = np.zeros(size[::-1], np.uint8)
    borders = [np.reshape(points, (-1, 1, 2)) for points in header["outlines"]]
    cv2.drawContours(drawn, borders, -1, 255, cv2.FILLED)
    whole = np.zeros_like(drawn)
    cv2.drawContours(whole, result.segmentation.contours(), -1, 255, cv2.FILLED)
    assert cv2.countNonZero(whole) > 0
    assert np.mean(drawn != whole) < 0.01
