from __future__ import annotations

import numpy as np
import pytest

from aernet import Segmentation
from aernet.video import State, VideoResult
from aernet.video.overlay import draw_overlay


def result(picture, mask, state):
    segmentation = Segmentation(picture, mask, np.zeros((8, 8), np.float32), 0.5, 1.0)
    return VideoResult(segmentation, state, 0, 0.0, 0, 1.0)


def test_it_is_the_overlay_of_a_picture(disc, segmenter):
    segmentation = segmenter(disc())
    video = VideoResult(segmentation, State.LESION, 0, 0.0, 0, 1.0)
    before = segmentation.frame.copy()
    difference = np.abs(draw_overlay(video).astype(int) - segmentation.overlay())
    assert difference.mean() < 0.5
    assert (difference.max(-1) > 2).mean() < 0.02  # lines that are not smoothed
    np.testing.assert_array_equal(segmentation.frame, before)


def test_nothing_is_drawn_where_there_is_nothing_to_say(disc):
    picture = disc()
    blank = np.zeros(picture.shape[:2], np.uint8)
    np.testing.assert_array_equal(draw_overlay(result(picture, blank, State.LESION)), picture)


@pytest.mark.parametrize("state", [state for state in State if state is not State.LESION])
@pytest.mark.parametrize("shape", [(180, 320), (720, 1280)])
def test_states_are_written_at_the_bottom_alone(state, shape):
    picture = np.full((*shape, 3), (150, 180, 230), np.uint8)
    drawn = draw_overlay(result(picture, np.zeros(shape, np.uint8), state))
    changed = (drawn != picture).any(-1)
    assert changed.any()
    assert not changed[: shape[0] // 2].any()
    written = drawn[changed]
    assert (written == 255).all(-1).any()
    assert (written < 60).all(-1).any()
