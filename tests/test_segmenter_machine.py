"""Segmenters are made, called, streamed through and closed in any order, by several threads."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from aernet import AernetError, FrameError, Segmenter

FRAMES = {
    255: np.full((40, 50, 3), 20, np.uint8),  # dark, which is all lesion to the model of the tests
    0: np.full((30, 70, 3), 220, np.uint8),
}
LEVELS = st.sampled_from(sorted(FRAMES))
AT_ONCE = 4


def is_right(result, level):
    """Tell whether a result is the whole frame's, and its own."""
    return result.mask.shape == FRAMES[level].shape[:2] and bool((result.mask == level).all())


class Segmenters(RuleBasedStateMachine):
    model = None
    segmenters = Bundle("segmenters")
    pending = Bundle("pending")

    def __init__(self):
        super().__init__()
        self.open = {}

    @rule(target=segmenters)
    def make(self):
        segmenter = Segmenter(self.model, "cpu")
        self.open[id(segmenter)] = True
        return segmenter

    @rule(target=segmenters, segmenter=segmenters)
    def send_to_another_process(self, segmenter):
        if self.open[id(segmenter)]:
            copy = pickle.loads(pickle.dumps(segmenter))
            self.open[id(copy)] = True
            return copy
        return segmenter

    @rule(segmenter=segmenters, levels=st.lists(LEVELS, min_size=1, max_size=AT_ONCE))
    def call(self, segmenter, levels):
        def once(level):
            try:
                return is_right(segmenter(FRAMES[level]), level)
            except AernetError as error:
                return "is closed" in str(error) and "closed"

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = set(pool.map(once, levels))
        assert answers == ({True} if self.open[id(segmenter)] else {"closed"})

    @rule(segmenter=segmenters, levels=st.lists(LEVELS, max_size=5))
    def batch(self, segmenter, levels):
        try:
            results = segmenter.batch([FRAMES[level] for level in levels])
        except AernetError as error:
            assert "is closed" in str(error)  # noqa: PT017 - either is right, by what came before
            assert not self.open[id(segmenter)]
        else:
            assert self.open[id(segmenter)]
            assert all(map(is_right, results, levels))
            assert len(results) == len(levels)

    @rule(target=pending, segmenter=segmenters, level=LEVELS)
    def submit(self, segmenter, level):
        try:
            one = segmenter.submit(FRAMES[level])
        except AernetError as error:
            assert "is closed" in str(error)  # noqa: PT017 - as above
            assert not self.open[id(segmenter)]
            return None
        assert self.open[id(segmenter)]
        return one, level

    @rule(given=consumes(pending), threads=st.integers(1, 3))
    def result(self, given, threads):
        """A frame that was submitted has its result, even of a segmenter that was closed meanwhile."""
        if given is not None:
            one, level = given
            with ThreadPoolExecutor(threads) as pool:
                results = list(pool.map(lambda _: one.result(), range(threads)))
            assert is_right(results[0], level)
            assert len(set(map(id, results))) == 1

    @rule(segmenter=segmenters)
    def refuse(self, segmenter):
        try:
            segmenter(np.zeros((4, 4, 3), np.float32))
        except FrameError:
            assert self.open[id(segmenter)]
        except AernetError:
            assert not self.open[id(segmenter)]

    @rule(segmenter=segmenters, levels=st.lists(LEVELS, min_size=1, max_size=6), taken=st.integers(0, 6))
    def stream(self, segmenter, levels, taken):
        """A stream gives all frames in order; one that is left early ends."""
        try:
            stream = segmenter.stream([FRAMES[level] for level in levels], smooth=False)
            results = []
            for result in stream:
                results.append(result)
                if len(results) == taken:
                    break
        except AernetError as error:
            assert "is closed" in str(error)  # noqa: PT017 - as above
            assert not self.open[id(segmenter)]
            return
        assert self.open[id(segmenter)]
        assert len(results) == min(taken or len(levels), len(levels))
        assert all(is_right(one.segmentation, level) for one, level in zip(results, levels, strict=False))

    @rule(segmenter=segmenters, level=LEVELS)
    def close_while_others_call(self, segmenter, level):
        """Each call gives a whole result or says that it came too late; none hangs, none is wrong."""
        answers = []

        def call():
            for _ in range(5):
                try:
                    answers.append(is_right(segmenter.submit(FRAMES[level]).result(), level))
                except AernetError as error:  # noqa: PERF203 - each call by itself
                    answers.append("is closed" in str(error))

        threads = [threading.Thread(target=call) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        segmenter.close()
        for thread in threads:
            thread.join(60)
        self.open[id(segmenter)] = False
        assert answers == [True] * 5 * AT_ONCE

    @rule(segmenter=segmenters)
    def close(self, segmenter):
        segmenter.close()
        self.open[id(segmenter)] = False

    @precondition(lambda self: self.open)
    @invariant()
    def no_stream_has_left_a_thread(self):
        names = {thread.name for thread in threading.enumerate()}
        assert not names & {"aernet capture", "aernet predict", "aernet stabilize"}


def test_segmenters_in_any_order(model, explore):
    class OfTheModel(Segmenters):
        pass

    OfTheModel.model = model
    explore(OfTheModel)
