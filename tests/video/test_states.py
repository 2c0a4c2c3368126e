"""The bounds of docs/video.md, each from both sides, and the measures against what is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from aernet.video import states as states_module
from aernet.video.states import State, States, Switch, glare, skin, softness

SKIN = (90, 120, 180)
SHAPE = (100, 200)  # of the small picture
STILL = np.eye(2, 3)


@pytest.fixture
def judge():
    """Judge a picture and a motion for some seconds after what was judged before; return the last state."""
    states, frames = States(), iter(range(10_000))

    def judge(small=None, motion=STILL, *, area_fraction=0.3, seconds=1.0, fps=20):
        small = skin_with((0, 0, 0), 0) if small is None else small
        for _ in range(round(seconds * fps)):
            state = states(small, small, motion, area_fraction, next(frames) / fps)
        return state

    return judge


def skin_with(colour, share, shape=SHAPE):
    """A picture of skin, of which a share has another colour."""
    picture = np.full((*shape, 3), SKIN, np.uint8)
    picture.reshape(-1, 3)[: round(share * shape[0] * shape[1])] = colour
    return picture


def shift(speed, fps=20, shape=SHAPE):
    """A motion to the right of so many longer sides a second."""
    return np.array([[1, 0, speed * max(shape) / fps], [0, 1, 0]])


@pytest.mark.parametrize(
    ("colour", "other", "state", "bounds"),
    [
        # Shares of `colour` that raise the state or just do not, and that keep it or just do not.
        ((255, 255, 255), SKIN, State.GLARE, (0.052, 0.048, 0.032, 0.028)),
        ((90, 120, 180), (120, 120, 120), State.NOT_SKIN, (0.058, 0.062, 0.118, 0.122)),
    ],
)
def test_a_share_of_the_picture_raises_a_state_and_ends_it(judge, colour, other, state, bounds):
    def picture(share):
        pixels = np.full((*SHAPE, 3), other, np.uint8)
        pixels.reshape(-1, 3)[: round(share * pixels.size / 3)] = colour
        return pixels

    raises, does_not, keeps, ends = map(picture, bounds)
    assert judge(does_not) is State.LESION
    assert judge(raises) is state
    assert judge(keeps) is state
    assert judge(ends) is State.LESION


def test_a_speed_raises_a_state_and_ends_it(judge):
    for speed, state in (
        (0.48, State.LESION),
        (0.52, State.HOLD_STILL),
        (0.32, State.HOLD_STILL),
        (0.28, State.LESION),
    ):
        assert judge(motion=shift(speed), seconds=3) is state


@pytest.mark.parametrize("shape", [(100, 200), (200, 100)])
def test_the_speed_is_that_of_the_middle_in_longer_sides(judge, shape):
    """Turning and zooming about the middle moves nothing there."""
    small = skin_with((0, 0, 0), 0, shape)
    across, down = shape[1] / 2, shape[0] / 2
    turn = 0.2 * np.array([[0, -1], [1, 0]]) + np.eye(2)
    about_the_middle = np.column_stack([turn, np.array([across, down]) - turn @ (across, down)])
    assert judge(small, about_the_middle) is State.LESION
    about_the_corner = np.column_stack(
        [turn, (0, 0)]
    )  # the middle moves by 0.11 longer sides, 20 times a second
    assert judge(small, about_the_corner) is State.HOLD_STILL


def test_a_speed_counts_after_half_a_second_of_mean():
    """A mean of 0.2 s of a speed of 1 is above 0.5 after 0.14 s, and the state comes 0.5 s later."""
    states, small = States(), skin_with((0, 0, 0), 0)
    fps = 100
    found = [states(small, small, shift(1, fps), 0.3, index / fps) for index in range(100)]
    assert 0.62 <= found.index(State.HOLD_STILL) / fps <= 0.68


def test_a_cut_forgets_the_speed(judge):
    assert judge(motion=shift(2)) is State.HOLD_STILL
    assert judge(motion=None, seconds=0.1) is State.HOLD_STILL
    assert judge(motion=shift(0.4), seconds=0.3) is State.HOLD_STILL
    assert judge(motion=None, seconds=0.4) is State.LESION


def test_frames_of_one_moment_have_no_speed():
    states, small = States(), skin_with((0, 0, 0), 0)
    assert {states(small, small, shift(5), 0.3, now) for now in (1.0, 1.0, 0.5, 0.5)} == {State.LESION}


@pytest.mark.parametrize(("area_fraction", "state"), [(0.0006, State.LESION), (0.0004, State.NO_LESION)])
def test_a_lesion_is_a_two_thousandth_of_the_picture(judge, area_fraction, state):
    assert judge(area_fraction=area_fraction) is state


def test_the_first_states_hide_the_others(judge):
    white = np.full((*SHAPE, 3), 255, np.uint8)
    assert judge(white, shift(2), area_fraction=0) is State.NOT_SKIN
    assert judge(skin_with((255, 255, 255), 0.5), shift(2), area_fraction=0, seconds=2) is State.GLARE
    assert judge(motion=shift(2), area_fraction=0, seconds=2) is State.HOLD_STILL
    assert judge(area_fraction=0, seconds=3) is State.NO_LESION


def test_a_state_lasts_where_time_goes_back():
    switch = Switch(0.5, 0.3)
    assert [switch(1, now) for now in (10.0, 3.0, 3.4, 3.6)] == [False, False, False, True]


def test_the_focus_is_measured_five_times_a_second_and_when_time_goes_back(monkeypatch):
    measured = []
    monkeypatch.setattr(states_module, "softness", lambda _: measured.append(1) or 0.0)
    states, small = States(), skin_with((0, 0, 0), 0)
    for index in range(30):
        states(small, small, STILL, 0.3, index / 30)
    assert len(measured) == 5
    states(small, small, STILL, 0.3, 0.01)
    assert len(measured) == 6


@pytest.mark.parametrize("value", [2.79, 2.81, 2.99, 3.01])
def test_a_softness_above_3_is_out_of_focus_until_it_is_below_2_8(monkeypatch, judge, value):
    measured = 10.0
    monkeypatch.setattr(states_module, "softness", lambda _: measured)
    before = judge()
    assert before is State.OUT_OF_FOCUS
    measured = value
    assert judge() is (State.LESION if value < 2.8 else State.OUT_OF_FOCUS)
    measured = 0.0
    assert judge() is State.LESION
    measured = value
    assert judge() is (State.OUT_OF_FOCUS if value > 3 else State.LESION)


@pytest.mark.parametrize(
    ("pixel", "warm"),
    [
        ((90, 120, 180), True),
        ((0, 40, 41), True),
        ((0, 39, 40), False),  # too dark
        ((100, 108, 109), True),
        ((101, 108, 109), False),  # too gray
        ((50, 120, 120), False),  # too green
        ((50, 119, 120), True),
        ((50, 255, 60), False),
        ((255, 0, 200), False),
    ],
)
def test_warm_colours(pixel, warm):
    assert skin(np.full((4, 5, 3), pixel, np.uint8)) == warm


def test_the_share_of_warm_colours():
    assert skin(skin_with((200, 100, 50), 0.25)) == 0.75


@pytest.mark.parametrize(
    ("pixel", "white"),
    [
        ((245, 245, 245), True),
        ((255, 255, 255), True),
        ((244, 255, 255), False),
        ((255, 244, 255), False),
        ((255, 255, 244), False),
    ],
)
def test_white(pixel, white):
    assert glare(np.full((4, 5, 3), pixel, np.uint8)) == white


def test_the_share_of_white():
    assert glare(skin_with((250, 250, 250), 0.25)) == 0.25


def edges(sigma, shape=(512, 640), period=128, contrast=100.0):
    """Upright stripes whose edges a blur has softened, from the normal distribution."""
    x = np.arange(shape[1]) + 0.5
    level = sum(
        (-1) ** index * norm.cdf((x - index * period) / sigma) for index in range(shape[1] // period + 2)
    )
    row = 60 + contrast * level
    return np.round(np.broadcast_to(row[None, :, None], (*shape, 3))).astype(np.uint8)


def expected_softness(sigma):
    """The ratio of one edge's differences of Gaussians, of 1.6 and 3.2 over 0.8 and 1.6."""
    x = np.arange(-16, 16) + 0.5

    def strongest(one, other):
        wide, narrow = (norm.cdf(x / np.hypot(sigma, scale)) for scale in (other, one))
        return np.abs(narrow - wide).max()

    return strongest(1.6, 3.2) / strongest(0.8, 1.6)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 3.0])
def test_the_softness_of_an_edge(sigma):
    assert softness(edges(sigma)) == pytest.approx(expected_softness(sigma), rel=0.06)
    assert softness(edges(sigma)[..., 0]) == pytest.approx(softness(edges(sigma)), rel=0.02)


def test_one_sharp_edge_is_in_focus():
    assert softness(edges(0.5, period=320)) < 2


def test_a_large_picture_is_judged_at_half_its_size():
    assert softness(edges(4, (1100, 1400), 256)) == pytest.approx(expected_softness(2), rel=0.06)
    assert softness(edges(4, (600, 1068), 256)) == pytest.approx(expected_softness(2), rel=0.1)
    assert softness(edges(2, (768, 1020))) == pytest.approx(expected_softness(2), rel=0.06)


def test_noise_is_taken_from_the_softness():
    noise = np.random.default_rng(6).normal(0, 3, (512, 640, 3))
    noisy = np.clip(edges(2) + noise, 0, 255).astype(np.uint8)
    assert softness(noisy) == pytest.approx(expected_softness(2), rel=0.2)


def test_what_is_so_blurred_that_noise_hides_its_fine_detail_is_soft():
    noise = np.random.default_rng(8).normal(0, 1.5, (512, 640, 3))
    assert 4 < softness(np.clip(edges(10, contrast=150) + noise, 0, 255).astype(np.uint8)) <= 10


def test_what_has_no_edges_is_not_soft():
    assert softness(np.full((200, 300, 3), SKIN, np.uint8)) == 0
    noise = np.random.default_rng(7).normal(120, 10, (300, 400, 3))
    assert softness(np.clip(noise, 0, 255).astype(np.uint8)) == 0
    assert softness(edges(2, contrast=2.0)) == 0
    assert softness(edges(2, contrast=20.0)) > 0


def test_the_margin_of_a_picture_does_not_count():
    picture = edges(3)
    sharp = edges(0.5)
    height, width = picture.shape[:2]
    for margin in (np.s_[: height // 9], np.s_[-(height // 9) :]):
        picture[margin] = sharp[margin]
    for margin in (np.s_[:, : width // 9], np.s_[:, -(width // 9) :]):
        picture[margin] = sharp[margin]
    assert softness(picture) == pytest.approx(expected_softness(3), rel=0.06)
