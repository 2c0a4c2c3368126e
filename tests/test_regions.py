"""A segmenter that keeps the largest region, beside SciPy's labels and fillings."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from aernet import AernetError, Segmenter
from aernet.regions import largest_region


def by_scipy(mask):
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return mask
    sizes = ndimage.sum_labels(mask > 0, labels, range(1, count + 1))
    filled = ndimage.binary_fill_holes(labels == 1 + np.argmax(sizes))
    return np.where(filled, np.uint8(255), np.uint8(0))


@pytest.fixture
def crumbs():
    """A dark disc with a light middle, and two dark crumbs: what the model takes for three regions."""
    picture = np.full((120, 160, 3), 230, np.uint8)
    cv2.circle(picture, (60, 60), 40, (20, 20, 20), -1)
    cv2.circle(picture, (60, 60), 12, (230, 230, 230), -1)
    cv2.circle(picture, (130, 30), 10, (20, 20, 20), -1)
    cv2.circle(picture, (130, 90), 7, (20, 20, 20), -1)
    return picture


@pytest.fixture
def segmenter(model):
    with Segmenter(model, "cpu", keep="largest") as segmenter:
        yield segmenter


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_region_is_that_of_scipy(seed):
    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal((90, 70)), (0, 0), 1.5)
    mask = np.where(noise > 0.1, np.uint8(255), np.uint8(0))
    assert ndimage.label(mask)[1] > 3
    np.testing.assert_array_equal(largest_region(mask), by_scipy(mask))


def test_every_way_to_a_result_keeps_the_largest_region(segmenter, model, crumbs):
    with Segmenter(model, "cpu") as other:
        whole = other(crumbs).mask
    expected = by_scipy(whole)
    assert np.count_nonzero(whole ^ expected) > 500
    seen = [
        segmenter(crumbs),
        segmenter.submit(crumbs).result(),
        *segmenter.batch([crumbs, crumbs]),
        *(result.segmentation for result in segmenter.stream([crumbs] * 3, smooth=False)),
    ]
    assert len(seen) == 7
    for result in seen:
        np.testing.assert_array_equal(result.mask, expected)


def test_a_frame_without_a_lesion_has_an_empty_mask(segmenter, crumbs):
    assert not segmenter(np.full_like(crumbs, 230)).mask.any()


def test_masks_on_a_gpu_keep_all_or_are_refused(segmenter, crumbs):
    with pytest.raises(AernetError, match=r"^keep='largest' looks for the regions .* with keep='all'"):
        segmenter.masks_on_device([crumbs])


def test_another_word_is_refused(model):
    with pytest.raises(AernetError, match=r"^keep must be 'largest' or 'all', found 'biggest'"):
        Segmenter(model, keep="biggest")
