"""A pipeline whose source and sinks fail on cue, with its methods called in any order."""

from __future__ import annotations

import queue
import threading
import time

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from aernet import SourceError
from aernet.video import Pipeline

PICTURE = np.full((30, 40, 3), 20, np.uint8)
END = "end"
PATIENCE = 60.0


class Cued:
    """A source that gives what it is told to, one thing after another."""

    name = "cued"

    def __init__(self, *, live):
        self.live = live
        self.cues = queue.SimpleQueue()
        self.opened = self.closed = 0
        self.given = 0

    def frames(self):
        self.opened += 1
        try:
            while (cue := self.cues.get()) is not END:
                if isinstance(cue, Exception):
                    raise cue
                self.given += 1
                yield (PICTURE.copy() if cue else None), float(self.given)
        finally:
            self.closed += 1


class Watched:
    """A sink that fails on cue, and notes how it is called."""

    def __init__(self, number, *, every):
        self.name, self.every = f"sink {number}", every
        self.fails_to_write = self.fails_to_close = False
        self.seen, self.closed, self.wrong = [], 0, []
        self._busy = threading.Lock()

    def write(self, result):
        if not self._busy.acquire(blocking=False):
            self.wrong.append("two at once")
            return
        try:
            if self.closed:
                self.wrong.append("written after its end")
            if self.fails_to_write:
                raise OSError(28, "cued")
            self.seen.append(result.frame_index)
        finally:
            self._busy.release()

    def close(self):
        self.closed += 1
        if self.fails_to_close:
            raise RuntimeError("cued")


class AtOnce(threading.Event):
    """The event that ends a pipeline, for which nobody waits."""

    def wait(self, timeout=None):
        return super().wait(0 if timeout is None else min(timeout, 0.001))


class Pipelines(RuleBasedStateMachine):
    segmenter = None
    sinks = Bundle("sinks")

    @initialize(live=st.booleans(), retry=st.booleans(), fails=st.booleans())
    def begin(self, live, retry, fails):
        self.source = Cued(live=live)
        self.pipeline = Pipeline(self.segmenter, self.source, smooth=False, retry=retry)
        self.pipeline._stopping = AtOnce()
        self.retries = live and retry
        self.error = None
        self.captured = False
        self.ended = self.started = False
        self.all, self.removed, self.numbered = [], [], []
        first = self.add(every=True)
        first.fails_to_write = fails

    @rule(target=sinks, every=st.booleans())
    def add(self, every):
        sink = Watched(len(self.all), every=every)
        self.all.append(sink)
        self.pipeline.add(sink)
        sink.from_the_start = not self.started
        return sink

    @rule(sink=sinks)
    def remove(self, sink):
        if sink not in self.removed:
            self.removed.append(sink)
            self.pipeline.remove(sink)
            assert sink.closed == 1

    @rule(sink=sinks, write=st.booleans(), close=st.booleans())
    def let_a_sink_fail(self, sink, write, close):
        sink.fails_to_write = sink.fails_to_write or write
        sink.fails_to_close = sink.fails_to_close or close

    @rule(whole=st.lists(st.booleans(), min_size=1, max_size=6))
    def give_frames(self, whole):
        for one in whole:
            self.source.cues.put(one)
            if self.error is None and not self.ended:
                self.captured = True
                self.numbered.append(one)

    @precondition(lambda self: hasattr(self, "source") and not (self.source.live or self.ended or self.error))
    @rule()
    def watch_a_film(self):
        """All frames of a file have results, whatever sinks do."""
        self.start()
        self.give_frames([True] * 3)
        wanted = sum(self.numbered)
        end = time.monotonic() + PATIENCE
        while self.pipeline.status().results < wanted:
            assert time.monotonic() < end
            time.sleep(0.002)

    @rule(lost=st.sampled_from([SourceError("cued: unplugged"), ValueError("cued: a fault")]))
    def let_the_source_fail(self, lost):
        self.source.cues.put(lost)
        if self.error is None and not self.ended:
            if isinstance(lost, SourceError) and self.retries and self.captured:
                return
            self.error, self.ended = lost, True

    @rule()
    def let_the_source_end(self):
        self.source.cues.put(END)
        if self.error is None and not self.ended:
            self.ended = True
            if not self.captured:
                self.error = SourceError("cued: gave no frame")

    @rule()
    def start(self):
        self.started = True
        self.pipeline.start()

    @precondition(lambda self: hasattr(self, "source") and (self.ended or self.error))
    @rule()
    def wait(self):
        """It raises the error of the source, each time."""
        self.started = True
        if self.error is None:
            self.pipeline.wait()
        else:
            with pytest.raises(type(self.error), match=str(self.error)):
                self.pipeline.wait()
        self.all_sinks_are_closed()

    @rule()
    def look(self):
        status = self.pipeline.status()
        assert status.results <= self.source.given
        assert status.dropped >= 0

    def all_sinks_are_closed(self):
        assert [sink.closed for sink in self.all] == [1] * len(self.all)

    @invariant()
    def sinks_see_each_result_once_and_in_order(self):
        for sink in getattr(self, "all", ()):
            seen = list(sink.seen)
            assert seen == sorted(set(seen))
            assert sink.wrong == []
            assert sink.closed <= 1

    def teardown(self):
        if not hasattr(self, "source"):
            return
        complete = self.started and self.ended and not self.source.live
        if complete and self.error is None:
            self.pipeline.wait()
        for _ in range(50):  # what is still to come lets a source that waits go on, and end
            self.source.cues.put(END)
        closing = threading.Thread(target=self.pipeline.close)
        closing.start()
        closing.join(PATIENCE)
        assert not closing.is_alive(), "it does not close"
        self.all_sinks_are_closed()
        assert self.source.closed == self.source.opened
        failures = self.pipeline.status().failures
        assert len(failures) == len(set(failures))
        if complete and self.error is None:
            wanted = [number for number, whole in enumerate(self.numbered) if whole]
            for sink in self.all:
                healthy = sink.every and sink not in self.removed and not sink.fails_to_write
                if healthy and sink.from_the_start:
                    assert sink.seen == wanted
        alive = {thread.name for thread in threading.enumerate()}
        assert not alive & {"aernet capture", "aernet predict", "aernet stabilize"}
        assert not any(name.startswith("aernet sink ") for name in alive)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_pipelines_in_any_order(segmenter, explore):
    class OfTheSegmenter(Pipelines):
        pass

    OfTheSegmenter.segmenter = segmenter
    explore(OfTheSegmenter)
