"""Masks of two processors may differ where the probability is near the threshold, and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from comparison import compare

SIDE = 8


@pytest.fixture
def masks():
    """One picture of the network's own size, the probability of whose pixels rises from left to right."""
    probability = np.tile(np.linspace(0.3, 0.7, SIDE, dtype=np.float32), (SIDE, 1))
    probability[0, 0] = 0.4995  # near the threshold, but no lesion
    mask = np.where(probability >= 0.5, 255, 0).astype(np.uint8)
    return {"threshold": np.float64(0.5), "mask a": mask, "probability a": probability}


def changed(masks, *pixel):
    mask = masks["mask a"].copy()
    mask[pixel] = 255 - mask[pixel]
    return masks | {"mask a": mask}


def test_alike(masks):
    assert compare(masks, masks).startswith("1 pictures, 0 of 64 pixels of the masks differ")


def test_a_pixel_near_the_threshold_may_differ(masks):
    assert compare(masks, changed(masks, 0, 0)).startswith("1 pictures, 1 of 64 pixels")


def test_a_pixel_far_from_it_may_not(masks):
    with pytest.raises(SystemExit, match=r"more than the contract allows: a"):
        compare(masks, changed(masks, 3, SIDE - 1))


def test_the_probability_is_judged_at_the_size_of_the_picture(masks):
    large = cv2.resize(masks["mask a"], (SIDE * 4, SIDE * 4), interpolation=cv2.INTER_NEAREST)
    masks |= {"mask a": large}
    assert "0 of 1024" in compare(masks, masks)
    with pytest.raises(SystemExit, match="contract"):
        compare(masks, changed(masks, 20, 0))


def test_the_largest_difference_of_a_probability_is_told(masks):
    other = masks["probability a"].copy()
    other[2, 2] += 0.002
    assert compare(masks, masks | {"probability a": other}).endswith("probability: 2.0e-03")


def test_other_pictures_are_refused(masks):
    other = {name.replace(" a", " b"): value for name, value in masks.items()}
    with pytest.raises(SystemExit, match="mask b"):
        compare(masks, other)


def test_a_mask_without_lesion_proves_nothing(masks):
    empty = masks | {"mask a": np.zeros((SIDE, SIDE), np.uint8)}
    with pytest.raises(SystemExit, match="no lesion"):
        compare(empty, empty)
