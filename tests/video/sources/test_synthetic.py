from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from aernet.video.sources.synthetic import SyntheticDermatoscope

SCENE = 240  # frames


@pytest.fixture(scope="module")
def source():
    return SyntheticDermatoscope(640, 360)


def overlap(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def test_it_is_a_function_of_seed_and_index(source):
    other = SyntheticDermatoscope(640, 360)
    np.testing.assert_array_equal(source.picture(77), other.picture(77))
    np.testing.assert_array_equal(source.truth(77), other.truth(77))
    assert not np.array_equal(source.picture(77), source.picture(78))
    assert not np.array_equal(source.picture(77), SyntheticDermatoscope(640, 360, seed=1).picture(77))


def test_the_truth_is_the_experts_mask_where_the_picture_is(source, examples):
    """Find the bundled picture in a frame by its features, and bring its mask there by that alone."""
    index = 4 * SCENE + 30
    frame, truth = source.picture(index), source.truth(index)
    detector, best = cv2.SIFT_create(1000), 0.0
    points, features = detector.detectAndCompute(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), None)
    for path in examples:
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        own_points, own_features = detector.detectAndCompute(picture, None)
        pairs = cv2.BFMatcher().knnMatch(own_features, features, k=2)
        good = [first for first, second in pairs if first.distance < 0.7 * second.distance]
        if len(good) < 20:
            continue
        transform, agreeing = cv2.estimateAffinePartial2D(
            np.array([own_points[match.queryIdx].pt for match in good]),
            np.array([points[match.trainIdx].pt for match in good]),
        )
        if agreeing.sum() < 20:
            continue
        mask = cv2.imread(
            str(path.parents[1] / "python/aernet/video/masks" / f"{path.stem}_segmentation.png"),
            cv2.IMREAD_GRAYSCALE,
        )
        moved = cv2.warpAffine(mask, transform, (640, 360), borderMode=cv2.BORDER_REFLECT_101)
        best = max(best, overlap(moved > 127, truth > 127))
    assert best > 0.97


def test_the_motion_leads_from_one_truth_to_the_next(source):
    worst = 1.0
    for index in (1, 50, 150, 180, 230):
        moved = cv2.warpAffine(source.truth(index - 1), source.motion(index), (640, 360))
        inside = cv2.warpAffine(np.full((360, 640), 255, np.uint8), source.motion(index), (640, 360)) > 254
        worst = min(worst, overlap((moved > 127) & inside, (source.truth(index) > 127) & inside))
    assert worst > 0.98
    assert source.motion(SCENE) is None


def test_it_does_what_a_hand_does(source):
    views = [source.view(index) for index in range(5 * SCENE)]
    assert {view.scene for view in views} == set(range(5))
    assert len({source._pictures[scene] for scene in range(5)}) == 5
    assert max(view.blur for view in views) > 1
    assert min(view.blur for view in views) == 0
    assert max(view.gain for view in views) > 1.1
    assert min(view.gain for view in views) < 0.95
    sizes = [view.size[0] for view in views]
    assert max(sizes) > 1.2 * min(sizes)
    speeds = [np.abs(source.motion(index)[:, 2]).max() for index in range(1, SCENE)]
    assert max(speeds[130:]) > 2


def test_every_frame_says_that_it_is_synthetic(source):
    corner = np.s_[:30, :140]
    for index in (0, SCENE, 2 * SCENE, 500):
        levels = source.picture(index)[corner]
        assert 100 < (levels > 240).all(-1).sum() < 1500
        assert 100 < (levels < 30).all(-1).sum() < 1500


def test_frames_come_when_they_are_due():
    source = SyntheticDermatoscope(64, 48, fps=50)
    frames = source.frames()
    begin = time.perf_counter()
    times = [next(frames)[1] for _ in range(11)]
    frames.close()
    assert time.perf_counter() - begin >= 0.19
    assert times == sorted(times)
