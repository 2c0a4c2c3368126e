from __future__ import annotations

import warnings
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
from isic_challenge_scoring.segmentation import SegmentationScore

from aernet.errors import FrameError
from aernet.evaluation.metrics import (
    LEVELS,
    Mean,
    best_level_jaccard,
    bootstrap_mean,
    jaccard_at_levels,
    score,
)

MASKS = Path(__file__).parents[2] / "python/aernet/video/masks"


def official(folder, mask, ground_truth):
    """What the official scorer says of one pair, read from files as it does."""
    for name, array in (("truth", ground_truth), ("prediction", mask)):
        (folder / name).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / name / "ISIC_0000000_segmentation.png"), array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the scorer's own, of newer pandas
        return SegmentationScore.from_dir(folder / "truth", folder / "prediction").macro_average.to_dict()


def assert_as_official(folder, mask, ground_truth):
    expected = official(folder, mask, ground_truth)
    expected["thresholded_jaccard"] = expected.pop("threshold_jaccard")
    assert asdict(score(mask, ground_truth)) == pytest.approx(expected, abs=1e-6, rel=0)


@pytest.mark.parametrize("seed", range(20))
def test_random_masks_score_as_in_the_official_scorer(tmp_path, seed):
    random = np.random.default_rng(seed)
    ground_truth = random.integers(0, 256, (37, 53), dtype=np.uint8)
    mask = np.where(random.random(ground_truth.shape) < 0.05 * seed, ground_truth, 255 - ground_truth)
    assert_as_official(tmp_path, mask, ground_truth)


@pytest.mark.parametrize("radius", [1, 15, 61])
@pytest.mark.parametrize("change", [cv2.dilate, cv2.erode])
@pytest.mark.parametrize("path", sorted(MASKS.glob("*.png")), ids=lambda path: path.stem[:12])
def test_real_masks_score_as_in_the_official_scorer(tmp_path, path, change, radius):
    ground_truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    mask = change(ground_truth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (radius, radius)))
    assert_as_official(tmp_path, mask, ground_truth)


@pytest.mark.parametrize("mask_value", [0, 128, 129, 255])
@pytest.mark.parametrize("ground_truth_value", [0, 128, 129, 255])
def test_empty_and_full_masks_score_as_in_the_official_scorer(tmp_path, mask_value, ground_truth_value):
    mask, ground_truth = (np.full((5, 7), value, np.uint8) for value in (mask_value, ground_truth_value))
    assert_as_official(tmp_path, mask, ground_truth)


@pytest.mark.parametrize("lesion_pixels", [64, 65, 66])
def test_the_jaccard_threshold_is_that_of_the_official_scorer(tmp_path, lesion_pixels):
    ground_truth = np.full((10, 10), 255, np.uint8)
    mask = np.zeros((10, 10), np.uint8)
    mask.flat[:lesion_pixels] = 255
    assert_as_official(tmp_path, mask, ground_truth)


@pytest.mark.parametrize(
    ("mask", "ground_truth", "message"),
    [
        (
            np.zeros((2, 3), np.uint8),
            np.zeros((3, 2), np.uint8),
            r"mask is \(2, 3\), the ground truth \(3, 2\)",
        ),
        (np.zeros((2, 3), bool), np.zeros((2, 3), np.uint8), "mask must be uint8 .* got bool"),
        (np.zeros((2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8), r"ground truth must .* \(2, 3, 3\)"),
        (np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.uint8), r"mask must .* \(0, 3\)"),
    ],
)
def test_what_is_no_pair_of_masks_is_refused(mask, ground_truth, message):
    with pytest.raises(FrameError, match=message):
        score(mask, ground_truth)


@pytest.mark.parametrize("count", [12, 500, 3000])
def test_the_interval_is_that_of_scipy(count):
    values = np.random.default_rng(count).beta(6, 1.2, count)
    ours = bootstrap_mean(values)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.mean == pytest.approx(values.mean(), abs=1e-12)
    # A 2.5 % quantile of 10 000 draws scatters by 0.027 of their standard deviation.
    assert ours.ci95 == pytest.approx(theirs, abs=0.15 * scipy.stats.sem(values))


def test_the_interval_of_many_pictures_is_the_normal_one():
    values = np.random.default_rng(3).uniform(size=20_000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    low, high = bootstrap_mean(values).ci95
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.05 * half)


def test_one_picture_has_an_interval_without_width():
    assert bootstrap_mean([0.75]).ci95 == (0.75, 0.75)


def test_the_same_scores_give_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(0).uniform(size=50)
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(values, seed=1).ci95 != bootstrap_mean(values).ci95


@pytest.mark.parametrize("shape", [(40, 56), (150, 131)])
def test_the_best_level_is_that_of_trying_them_all(shape):
    rng = np.random.default_rng(3)
    probability = cv2.GaussianBlur(rng.random((64, 64), np.float32), (0, 0), 6)
    probability = (probability - probability.min()) / np.ptp(probability)
    truth = np.where(cv2.GaussianBlur(rng.random(shape, np.float32), (0, 0), 9) > 0.5, 255, 0).astype(
        np.uint8
    )
    enlarged = cv2.resize(probability, shape[::-1], interpolation=cv2.INTER_LINEAR)
    tried = [
        1 - scipy.spatial.distance.jaccard(truth.ravel() > 0, enlarged.ravel() >= threshold)
        for threshold in np.linspace(0, 1, 251)
    ]
    assert best_level_jaccard(probability, truth) == pytest.approx(max(tried), abs=2e-3)


def test_without_a_lesion_the_best_level_is_one_that_no_pixel_reaches():
    probability = np.full((8, 8), 0.7, np.float32)
    assert best_level_jaccard(probability, np.zeros((20, 20), np.uint8)) == 1


def test_the_best_level_stays_where_the_order_of_probabilities_does():
    probability = cv2.GaussianBlur(np.random.default_rng(1).random((32, 32), np.float32), (0, 0), 3)
    truth = np.where(probability > np.quantile(probability, 0.8), 255, 0).astype(np.uint8)
    assert best_level_jaccard(probability, truth) == pytest.approx(1, abs=0.02)
    assert best_level_jaccard(probability**2, truth) == pytest.approx(1, abs=0.02)


def test_an_empty_mask_misses_a_lesion_of_one_pixel():
    truth = np.zeros((5, 7), np.uint8)
    truth[2, 3] = 255
    assert jaccard_at_levels(np.full((5, 7), 0.3, np.float32), truth)[-1] == 0


def test_each_level_is_that_of_its_mask():
    rng = np.random.default_rng(9)
    steps = rng.integers(0, 900, (12, 17))
    truth = rng.choice(np.array([0, 128, 129, 255], np.uint8), steps.shape)
    found = jaccard_at_levels(((steps + 0.5) / LEVELS).astype(np.float32), truth)
    expected = [
        1 - scipy.spatial.distance.jaccard((truth > 128).ravel(), (steps >= level).ravel())
        for level in range(LEVELS + 2)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert LEVELS == 1000


@pytest.mark.parametrize(
    ("interval", "clear"),
    [
        ((0.1, 0.2), True),
        ((-0.2, -0.1), True),
        ((-0.1, 0.1), False),
        ((0.0, 0.1), False),
        ((-0.1, 0.0), False),
    ],
)
def test_a_difference_is_clear_where_its_interval_excludes_none(interval, clear):
    assert Mean(sum(interval) / 2, interval).is_clear is clear


def test_scores_and_means_cannot_be_changed():
    ones = np.full((2, 3), 255, np.uint8)
    for result, name in ((score(ones, ones), "dice"), (bootstrap_mean([0.5]), "mean")):
        with pytest.raises(FrozenInstanceError):
            setattr(result, name, 0.0)
