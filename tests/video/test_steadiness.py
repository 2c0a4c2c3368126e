"""Motion, smoothing and states, each against what is known."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from aernet.prediction import HostPrediction
from aernet.video.motion import Motion, shrink
from aernet.video.smoothing import Smoothing
from aernet.video.sources.synthetic import SyntheticDermatoscope
from aernet.video.stabilizer import Stabilizer
from aernet.video.states import State, States, Switch

FPS = 30


@pytest.fixture(scope="module")
def picture(examples):
    return cv2.imread(str(examples[1]))


@pytest.fixture(scope="module")
def source():
    return SyntheticDermatoscope(640, 360)


def gray(picture):
    return cv2.cvtColor(shrink(picture), cv2.COLOR_BGR2GRAY)


def moved(picture, transform):
    height, width = picture.shape[:2]
    return cv2.warpAffine(
        picture, np.asarray(transform, float), (width, height), borderMode=cv2.BORDER_REFLECT
    )


@pytest.mark.parametrize(
    ("shape", "small"),
    [
        ((720, 1280), (144, 256)),
        ((1080, 1920), (144, 256)),
        ((2160, 3840), (144, 256)),
        ((480, 640), (192, 256)),
        ((640, 480), (256, 192)),
        ((100, 200), (100, 200)),
        ((1, 5000), (1, 256)),
    ],
)
def test_shrunk_pictures_keep_their_aspect_and_brightness(shape, small):
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert shrink(frame).shape == (*small, 3)
    assert shrink(frame).mean() == pytest.approx(frame.mean(), abs=2)


@pytest.mark.parametrize(
    "transform",
    [
        [[1, 0, 0], [0, 1, 0]],
        [[1, 0, 9.5], [0, 1, -6.25]],
        [[1, 0, -40], [0, 1, 25]],
        [[1.04, 0, -8], [0, 1.04, -4]],
        [[np.cos(0.03), -np.sin(0.03), 6], [np.sin(0.03), np.cos(0.03), -9]],
    ],
)
def test_motion_is_found(picture, transform):
    small = shrink(picture)
    follow = Motion()
    assert follow(gray(small)) is None
    found = follow(gray(moved(small, transform)))
    corners = np.array([[30, 30, 1], [200, 30, 1], [30, 150, 1], [200, 150, 1]]).T
    np.testing.assert_allclose(found @ corners, np.array(transform) @ corners, atol=0.8)


def test_motion_is_found_under_another_light(picture):
    follow = Motion()
    follow(gray(picture))
    found = follow(gray(moved(cv2.convertScaleAbs(picture, alpha=0.85), [[1, 0, 20], [0, 1, 8]])))
    scale = 256 / picture.shape[1]
    np.testing.assert_allclose(found[:, 2], (20 * scale, 8 * scale), atol=0.5)


def test_a_cut_is_told_from_motion(examples):
    pictures = [shrink(cv2.resize(cv2.imread(str(path)), (640, 360))) for path in examples]
    for one, other in itertools.permutations(pictures, 2):
        follow = Motion()
        follow(gray(one))
        assert follow(gray(other)) is None


def test_a_change_of_size_is_a_cut(picture):
    follow = Motion()
    follow(gray(picture))
    assert follow(gray(picture[:, :300])) is None


def test_a_picture_without_features_stands_still():
    rng = np.random.default_rng(1)
    follow = Motion()
    for _ in range(3):
        found = follow(np.clip(rng.normal(150, 2, (144, 256)), 0, 255).astype(np.uint8))
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 1, 0]])


def test_noise_on_a_still_map_is_averaged_away():
    rng = np.random.default_rng(2)
    truth = np.zeros((64, 64), np.float32)
    truth[20:40, 20:40] = 1
    smooth, raw, steadied = Smoothing(), [], []
    for _ in range(60):
        noisy = np.clip(truth + rng.normal(0, 0.2, truth.shape), 0, 1).astype(np.float32)
        raw.append(noisy)
        steadied.append(smooth(noisy, np.eye(2, 3), 1 / FPS))
    assert np.std(steadied[20:], 0).mean() < np.std(raw[20:], 0).mean() / 2
    assert np.abs(np.mean(steadied[20:], 0) - np.mean(raw[20:], 0)).max() < 0.1


def test_a_moving_map_does_not_lag():
    smooth = Smoothing()
    for step in range(30):
        truth = np.zeros((64, 64), np.float32)
        truth[20:40, 5 + step : 25 + step] = 1
        motion = np.array([[1, 0, 1], [0, 1, 0]], float) if step else None
        answer = smooth(truth, motion, 1 / FPS)
        np.testing.assert_allclose(answer, truth, atol=1e-5)


def test_what_comes_into_the_picture_counts_at_once():
    smooth = Smoothing()
    smooth(np.zeros((64, 64), np.float32), None, 0)
    answer = smooth(np.ones((64, 64), np.float32), np.array([[1, 0, 10], [0, 1, 0]], float), 1 / FPS)
    assert (answer[:, :9] == 1).all()
    assert (answer[:, 12:] < 0.5).all()


@pytest.mark.parametrize(("motion", "seconds"), [(None, 1 / FPS), (np.eye(2, 3), 5.0), (np.eye(2, 3), -1.0)])
def test_a_cut_or_a_gap_forgets_the_past(motion, seconds):
    smooth = Smoothing()
    smooth(np.zeros((64, 64), np.float32), None, 0)
    ones = np.ones((64, 64), np.float32)
    np.testing.assert_array_equal(smooth(ones, motion, seconds), ones)


def test_earlier_answers_are_not_touched():
    smooth = Smoothing()
    maps = [np.full((64, 64), level, np.float32) for level in (0, 1, 0)]
    answers = [smooth(each, np.eye(2, 3), 1 / FPS) for each in maps]
    assert [each[0, 0] for each in maps] == [0, 1, 0]
    assert answers[0][0, 0] == 0
    assert answers[2][0, 0] < answers[1][0, 0]


def test_a_switch_takes_its_time_both_ways():
    switch = Switch(0.5, 0.3)
    values = [0] * 10 + [1, 0] * 10 + [1] * 30 + [0.4] * 30 + [0, 1] * 10 + [0] * 30
    on = [switch(value, index / 30) for index, value in enumerate(values)]
    changes = [index for index in range(1, len(on)) if on[index] != on[index - 1]]
    assert len(changes) == 2
    assert 30 + 15 <= changes[0] <= 30 + 17
    assert 110 + 9 <= changes[1] <= 110 + 11


def states(pictures, *, lesion=True, fps=FPS):
    """Judge pictures with a lesion or without; return each frame's state."""
    stabilizer, judge = Stabilizer(smooth=True), States()
    found = []
    for index, picture in enumerate(pictures):
        prediction = HostPrediction(picture, np.full((64, 64), float(lesion), np.float32))
        stable = stabilizer(picture, prediction, index / fps)
        area_fraction = np.mean(stable.prediction.mask(*picture.shape[:2], 0.5) > 0)
        found.append(judge(picture, stable.small, stable.motion, area_fraction, index / fps))
    return found


def test_real_pictures_are_not_nagged_about(examples):
    for path in examples:
        assert set(states([cv2.imread(str(path))] * 20)) == {State.LESION}


def test_a_hand_as_it_is_is_nagged_about_only_out_of_focus(source):
    indices = range(0, 1200, 3)
    found = states((source.picture(index) for index in indices), fps=FPS / 3)
    assert set(found) == {State.LESION, State.OUT_OF_FOCUS}
    assert sum(one != other for one, other in itertools.pairwise(found)) <= 10
    # A word that stays for a second after the blur is no nagging.
    for index, state in zip(indices, found, strict=True):
        if state is State.OUT_OF_FOCUS:
            assert any(source.view(earlier).blur > 0.5 for earlier in range(max(0, index - 30), index + 1))


def test_no_lesion(examples):
    found = states([cv2.imread(str(examples[0]))] * 40, lesion=False)
    assert found[0] is State.LESION
    assert found[-1] is State.NO_LESION


def test_out_of_focus(examples):
    for path in examples[:4]:  # in the fifth, blurred hair is everywhere and could be noise
        found = states([cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 5)] * 20)
        assert found[-1] is State.OUT_OF_FOCUS, path


@pytest.mark.parametrize("level", [90, 160, 220])
def test_smooth_skin_is_in_focus(level):
    rng = np.random.default_rng(4)
    skin = np.array([level * 0.7, level * 0.8, level])
    pictures = (np.clip(rng.normal(skin, 2, (180, 320, 3)), 0, 255).astype(np.uint8) for _ in range(30))
    assert set(states(pictures)) == {State.LESION}


def test_hold_still(picture):
    pictures = (np.roll(picture, 25 * index, 1) for index in range(40))
    assert states(pictures)[-1] is State.HOLD_STILL
    slowly = (np.roll(picture, 3 * index, 1) for index in range(40))
    assert states(slowly)[-1] is State.LESION


def test_a_tremor_is_still(picture):
    shaken = (np.roll(picture, 8 * (-1) ** index, 1) for index in range(40))
    assert set(states(shaken)) == {State.LESION}


def test_glare(picture):
    shining = picture.copy()
    cv2.circle(shining, (300, 200), 120, (255, 255, 255), cv2.FILLED)
    assert states([shining] * 30)[-1] is State.GLARE


@pytest.mark.parametrize("colour", [(0, 0, 0), (200, 200, 200), (200, 120, 40), (60, 160, 60)])
def test_not_skin(colour):
    other = np.full((360, 640, 3), colour, np.uint8)
    assert states([other] * 30, lesion=False)[-1] is State.NOT_SKIN


def test_smoothing_is_steadier_and_as_true_without_lag(source):
    """With answers made from the truth by noise; benchmarks/video.py measures it with the network."""
    rng = np.random.default_rng(5)
    stabilizer = Stabilizer(smooth=True)
    flicker = {"raw": [], "smooth": []}
    jaccard = {"raw": [], "smooth": []}
    by_lag = {lag: [] for lag in range(4)}
    truths = [source.truth(index) for index in range(117, 120)]
    before = None
    for index in range(120, 200):
        truth = source.truth(index)
        truths.append(truth)
        noise = cv2.GaussianBlur(rng.normal(0, 1, (64, 64)).astype(np.float32), (0, 0), 2)
        small = cv2.resize(truth, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        probability = np.clip(cv2.GaussianBlur(small, (0, 0), 1.5) + 3 * noise, 0, 1)
        picture = source.picture(index)
        raw = cv2.resize(probability, (640, 360)) >= 0.5
        stable = stabilizer(picture, HostPrediction(picture, probability), index / FPS)
        masks = {"raw": raw, "smooth": stable.prediction.mask(360, 640, 0.5) > 0}
        if before is not None:
            for kind, mask in masks.items():
                aligned = moved(before[kind].astype(np.uint8) * 255, source.motion(index)) > 127
                flicker[kind].append(1 - np.sum(aligned & mask) / np.sum(aligned | mask))
                jaccard[kind].append(np.sum(mask & (truth > 0)) / np.sum(mask | (truth > 0)))
            for lag, fits in by_lag.items():
                earlier = truths[-1 - lag] > 0
                fits.append(np.sum(masks["smooth"] & earlier) / np.sum(masks["smooth"] | earlier))
        before = masks
    assert np.mean(flicker["smooth"]) < np.mean(flicker["raw"]) / 2
    assert np.mean(jaccard["smooth"]) > np.mean(jaccard["raw"])
    assert max(by_lag, key=lambda lag: np.mean(by_lag[lag])) <= 1
