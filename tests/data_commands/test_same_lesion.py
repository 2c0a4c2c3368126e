from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest

from aernet.data.same_lesion import appearance, find_same_lesions
from aernet.pairs import find_pairs


@pytest.fixture
def lesions(pairs):
    return [pair.read() for pair in find_pairs(pairs, pairs)]


def turned(picture, mask):
    """Turn by 25 degrees and shrink to 70 %, as in another photograph of the lesion."""
    height, width = mask.shape
    motion = cv2.getRotationMatrix2D((width / 2, height / 2), 25, 0.7)
    return (
        cv2.warpAffine(picture, motion, (width, height), borderMode=cv2.BORDER_REFLECT),
        cv2.warpAffine(mask, motion, (width, height), flags=cv2.INTER_NEAREST),
    )


def recoloured(picture, mask):
    """Brighten, cast and compress, and draw the mask a little wider."""
    changed = (255 * (picture / 255) ** 0.8 * (0.8, 0.95, 1)).astype(np.uint8)
    _, data = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.dilate(mask, np.ones((9, 9), np.uint8))


def on_its_side(picture, mask):
    return cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE), cv2.rotate(mask, cv2.ROTATE_90_CLOCKWISE)


@pytest.mark.parametrize("change", [turned, recoloured, on_its_side])
def test_lesions_are_known_again_and_others_told_apart(lesions, progress, change):
    appearances = [appearance(*pair) for pair in (*lesions, *(change(*pair) for pair in lesions))]
    count = len(lesions)
    assert find_same_lesions(appearances, progress) == [(index, index + count) for index in range(count)]


def test_three_pictures_of_a_lesion_are_three_pairs(lesions, progress):
    pair = lesions[0]
    appearances = [appearance(*change) for change in (pair, lesions[1], turned(*pair), recoloured(*pair))]
    assert find_same_lesions(appearances, progress) == list(combinations((0, 2, 3), 2))


def test_what_shows_nothing_is_nobody_s_copy(progress):
    flat = np.full((60, 80, 3), 200, np.uint8)
    empty, full = np.zeros((60, 80), np.uint8), np.full((60, 80), 255, np.uint8)
    appearances = [appearance(flat, mask) for mask in (empty, full, empty)]
    assert all(len(each.points) == 0 for each in appearances)
    assert find_same_lesions(appearances, progress) == []
    assert find_same_lesions([], progress) == []


def test_a_picture_of_few_rows_has_an_appearance_too():
    picture = np.random.default_rng(0).integers(0, 256, (2, 2000, 3), np.uint8)
    described = appearance(picture, np.zeros((2, 2000), np.uint8))
    assert described.descriptors.shape == (len(described.points), 128)
