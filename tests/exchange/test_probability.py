from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from aernet._native import mask_from_probability
from aernet.errors import FrameError
from aernet.exchange import to_probability_png, to_probability_tiff

HEIGHT, WIDTH = 90, 140


@pytest.fixture
def probability():
    noise = np.random.default_rng(1).random((16, 16)).astype(np.float32)
    noise[0, 0], noise[-1, -1] = 0, 1
    return noise


def from_png(data):
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture), picture.text["Description"]


def from_tiff(data):
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return file.asarray(), file.pages[0].description


@pytest.mark.parametrize(
    ("write", "read"), [(to_probability_png, from_png), (to_probability_tiff, from_tiff)]
)
def test_values_are_the_probability(probability, write, read):
    values, description = read(write(probability, HEIGHT, WIDTH))
    assert values.dtype == np.uint16
    assert description == "probability of lesion = value / 65535"
    expected = cv2.resize(probability, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    assert np.abs(values / 65535 - expected).max() <= 0.5 / 65535 + 1e-7
    assert (values.min(), values.max()) == (0, 65535)


def test_the_threshold_gives_the_mask(probability):
    values, _ = from_png(to_probability_png(probability, HEIGHT, WIDTH))
    mask = mask_from_probability(probability, HEIGHT, WIDTH, 0.4)
    near = np.abs(values / 65535 - 0.4) < 1e-3
    np.testing.assert_array_equal((values >= 0.4 * 65535)[~near], (mask > 0)[~near])


@pytest.mark.parametrize("write", [to_probability_png, to_probability_tiff])
@pytest.mark.parametrize("wrong", [np.full((2, 2), 1.5), np.full((2, 2), np.nan), np.zeros((2, 2, 1))])
def test_what_is_no_probability_is_refused(write, wrong):
    with pytest.raises(FrameError, match="probability"):
        write(wrong, HEIGHT, WIDTH)
