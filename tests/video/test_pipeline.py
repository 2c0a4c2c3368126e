from __future__ import annotations

import gc
import itertools
import os
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from aernet import AernetError, FrameError, Segmenter, SourceError
from aernet.video import Pipeline, State
from aernet.video import pipeline as module

FRAME_SECONDS = 0.1


class Slowed:
    """A segmenter that takes its time."""

    colour = "bgr"
    frames_on = None

    def __init__(self, segmenter, seconds=FRAME_SECONDS):
        self.segmenter = segmenter
        self.card = segmenter.card
        self.threshold = segmenter.threshold
        self.keep = segmenter.keep
        self.seconds = seconds

    def warm_up(self, sizes):
        self.segmenter.warm_up(sizes)

    def submit_prediction(self, frame):
        time.sleep(self.seconds)
        return self.segmenter.submit_prediction(frame)


class Collector:
    """A sink that keeps what it gets."""

    name = "collector"

    def __init__(self, *, every=True, seconds=0.0, fails_at=None):
        self.every = every
        self.seconds = seconds
        self.hurry = threading.Event()
        self.fails_at = fails_at
        self.results = []
        self.closed = 0
        self.threads = set()

    def write(self, result):
        self.threads.add(threading.current_thread())
        if len(self.results) == self.fails_at:
            raise OSError(28, "No space left on device")
        self.hurry.wait(self.seconds)
        self.results.append(result)

    def close(self):
        self.closed += 1


@pytest.fixture
def video(tmp_path, write_video, disc):
    return write_video(tmp_path / "disc.mkv", [disc(x=60 + 5 * index) for index in range(20)])


def test_a_file_gives_every_frame_in_order(segmenter, video):
    results = list(segmenter.stream(video, smooth=False))
    assert [result.frame_index for result in results] == list(range(20))
    assert {result.dropped for result in results} == {0}
    capture = cv2.VideoCapture(str(video))
    for index, result in enumerate(results):
        _, picture = capture.read()
        np.testing.assert_array_equal(result.segmentation.frame, picture)
        np.testing.assert_array_equal(result.segmentation.mask, segmenter(picture).mask)
        assert result.timestamp == pytest.approx(index / 25, abs=1e-3)
        assert result.latency_ms > 0


def test_a_file_drops_nothing_however_slow_its_readers(segmenter, video):
    sink = Collector(seconds=0.02)
    with Pipeline(Slowed(segmenter, 0.01), video) as pipeline:
        pipeline.add(sink)
        indices = []
        for result in pipeline:
            time.sleep(0.01)
            indices.append(result.frame_index)
    assert indices == [result.frame_index for result in sink.results] == list(range(20))
    assert pipeline.status().dropped == 0
    assert sink.closed == 1


def test_a_camera_too_fast_is_followed_at_its_newest_and_drops_are_counted(segmenter, camera):
    source = camera(fps=60)
    with Pipeline(Slowed(segmenter), source) as pipeline:
        results = []
        for result in pipeline:
            results.append(result)
            if len(results) == 15:
                break
    # Two frame times, and what a crowded machine may add to each.
    assert np.median([result.latency_ms for result in results]) < 2 * FRAME_SECONDS * 1000 + 50
    assert results[-1].dropped == results[-1].frame_index + 1 - 15
    assert results[-1].dropped > 15
    assert source.closed == 1


@pytest.mark.parametrize("open_stream", [Segmenter.stream, Pipeline])
def test_only_a_camera_finds_the_segmenter_warmed_up(model, camera, video, open_stream):
    source = camera()
    with Segmenter(model) as segmenter:
        ran, infer = [], segmenter.runner.infer

        def seen(image, session=None):
            ran.append(session)
            return infer(image, session)

        segmenter.runner.infer = seen
        with open_stream(segmenter, video):
            assert ran == []
        with open_stream(segmenter, source):
            on_all_threads, side_by_side = segmenter.runner._session, segmenter.runner._parallel[0]
            assert {on_all_threads, side_by_side} <= set(ran)
            assert source.opened == []


class SixTimesAsFast:
    """A camera and a segmenter on one clock that ticks: six frames arrive while one is segmented."""

    name = "six times as fast"
    live = True
    colour = "bgr"
    frames_on = None

    def __init__(self, segmenter, picture):
        self._segmenter = segmenter
        self._picture = picture
        self._due = threading.Semaphore(1)
        self._arrived = threading.Semaphore(0)
        self.card = segmenter.card
        self.threshold = segmenter.threshold
        self.keep = segmenter.keep
        self.ticks = 0
        self.latencies = []

    def frames(self):
        for index in range(301):
            assert self._due.acquire(timeout=60)
            picture = self._picture.copy()
            picture[0, 0, :2] = divmod(index, 256)
            yield picture, time.perf_counter()
            self.ticks += 1
            self._arrived.release()
        self._arrived.release(1000)

    def warm_up(self, sizes):
        self._segmenter.warm_up(sizes)

    def submit_prediction(self, frame):
        self._due.release(6)
        for _ in range(6):
            assert self._arrived.acquire(timeout=60)
        self.latencies.append(self.ticks - int(frame[0, 0, 0]) * 256 - int(frame[0, 0, 1]))
        return self._segmenter.submit_prediction(frame)


def test_latency_stays_under_two_frame_times_of_the_segmenter(segmenter, disc):
    both = SixTimesAsFast(segmenter, disc())
    pipeline = Pipeline(both, both, retry=False)
    last = list(pipeline)[-1]
    assert len(both.latencies) >= 50
    # The six while it is segmented, and two that were just being handed over: the newest is taken.
    assert max(both.latencies) <= 8 < 2 * 6
    assert last.frame_index == 300
    assert last.dropped == pipeline.status().dropped + pipeline._loops[0].displaced
    assert pipeline.status().dropped == 301 - len(both.latencies)


class FiveWhileTwoAreUnderWay:
    """A camera of five frames and a segmenter that finishes none before the last has come."""

    name = "five"
    live = True
    colour = "bgr"
    frames_on = None

    def __init__(self, segmenter, picture):
        self._segmenter = segmenter
        self._picture = picture
        self._taken = threading.Semaphore(0)
        self._all_there = threading.Event()
        self.card = segmenter.card
        self.threshold = segmenter.threshold
        self.keep = segmenter.keep
        self.submitted = []

    def frames(self):
        for index in range(5):
            picture = self._picture.copy()
            picture[0, 0, 0] = index
            yield picture, float(index)
            if index < 2:
                assert self._taken.acquire(timeout=60)
        self._all_there.set()

    def warm_up(self, sizes):
        self._segmenter.warm_up(sizes)

    def submit_prediction(self, frame):
        self.submitted.append(int(frame[0, 0, 0]))
        self._taken.release()
        return self

    def result(self):
        assert self._all_there.wait(60)
        return self._segmenter.submit_prediction(self._picture).result()


def test_a_frame_is_taken_when_there_is_room_for_it_and_the_newest_then(segmenter, disc):
    both = FiveWhileTwoAreUnderWay(segmenter, disc())
    with Pipeline(both, both, retry=False) as pipeline:
        pipeline.wait()
    assert both.submitted == [0, 1, 4]
    assert pipeline.status().dropped == 2


def test_a_slow_loop_gets_the_newest_result_and_counts_what_it_missed(segmenter, camera):
    with segmenter.stream(camera(fps=100)) as pipeline:
        results = []
        for result in pipeline:
            time.sleep(0.1)
            results.append(result)
            if len(results) == 8:
                break
    missed = [result.dropped for result in results]
    assert missed == sorted(missed)
    assert missed[-1] == results[-1].frame_index + 1 - 8 > 20


def test_a_slow_sink_slows_nothing(segmenter, camera):
    slow, newest = Collector(seconds=0.3), Collector(every=False, seconds=0.3)
    with segmenter.stream(camera(fps=100)) as pipeline:
        pipeline.add(slow)
        pipeline.add(newest)
        results = iter(pipeline)
        for _ in range(60):
            next(results)
        seconds = pipeline.status().seconds
        slow.hurry.set()
        newest.hurry.set()
    assert seconds < 60 * 0.3 / 2
    assert len(slow.results) < 60
    assert len(newest.results) < len(slow.results)
    assert len(slow.threads | newest.threads) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
def test_sinks_yield_to_the_network(segmenter, video):
    sink = Collector()
    niceness = []
    sink.write = lambda _result: niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with segmenter.stream(video) as pipeline:
        pipeline.add(sink)
        list(pipeline)
    assert len(niceness) == 20
    assert set(niceness) == {min(own + 5, 19)}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own


def test_results_are_bounded(segmenter, camera):
    """However long it runs, no more frames are alive than the hand-overs hold."""
    stuck = threading.Event()
    sink = Collector()
    sink.write = lambda _result: stuck.wait(60)
    with segmenter.stream(camera(fps=200)) as pipeline:
        pipeline.add(sink)
        for count, result in enumerate(pipeline):
            if count > 40:
                gc.collect()
                alive = sum(type(thing) is type(result) for thing in gc.get_objects())
                stuck.set()
                break
    assert 9 <= alive < 25


def test_a_failing_sink_is_closed_and_named_once_and_all_else_goes_on(segmenter, video, caplog):
    failing, sound = Collector(fails_at=3), Collector()
    with segmenter.stream(video) as pipeline:
        pipeline.add(failing)
        pipeline.add(sound)
        assert len(list(pipeline)) == 20
    assert len(failing.results) == 3
    assert failing.closed == 1
    assert len(sound.results) == 20
    assert len(caplog.records) == 1
    assert pipeline.status().failures == ("collector: No space left on device",)


def test_a_sink_comes_and_goes_while_it_runs(segmenter, camera):
    sink = Collector()
    with segmenter.stream(camera(fps=100)) as pipeline:
        for number, _ in enumerate(pipeline):
            if number == 0:
                pipeline.add(sink)
            if len(sink.results) > 5:
                pipeline.remove(sink)
                break
        assert sink.closed == 1
    indices = [result.frame_index for result in sink.results]
    assert indices == sorted(indices)


def test_closing_waits_for_a_sink_that_is_just_being_added(segmenter, camera, monkeypatch):
    start, adding, sink = threading.Thread.start, threading.Event(), Collector()

    def slowly(thread):
        if thread.name == "aernet collector":
            adding.set()
            time.sleep(0.2)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    pipeline = segmenter.stream(camera())
    adder = threading.Thread(target=pipeline.add, args=(sink,))
    adder.start()
    assert adding.wait(20)
    pipeline.close()
    assert sink.closed == 1
    adder.join()


def test_a_callback_gets_every_result_of_a_file(segmenter, video):
    results = []
    segmenter.stream(video, on_result=results.append).wait()
    assert [result.frame_index for result in results] == list(range(20))


@pytest.mark.parametrize("ends", ["by itself", "closed by one"])
def test_several_callbacks_end_together(segmenter, video, ends):
    results = []
    stream = segmenter.stream(video)

    def close(_result):
        stream.close()

    for on_result in (results.append, close if ends == "closed by one" else results.append):
        stream.call(on_result)
    waiter = threading.Thread(target=stream.wait, daemon=True)
    waiter.start()
    waiter.join(60)
    assert not waiter.is_alive()
    assert results


def fail(_result):
    raise ZeroDivisionError


def test_what_a_callback_raises_ends_the_stream(segmenter, camera):
    source = camera()
    with pytest.raises(ZeroDivisionError):
        segmenter.stream(source, on_result=fail).wait()
    assert source.closed == 1


def test_what_a_callback_raises_is_logged_and_raised_when_the_stream_closes(segmenter, camera, caplog):
    source = camera()
    with pytest.raises(ZeroDivisionError), segmenter.stream(source, on_result=fail):  # noqa: PT012
        end = time.monotonic() + 20
        while source.closed == 0:
            assert time.monotonic() < end
            time.sleep(0.01)
    (record,) = caplog.records
    assert record.getMessage() == "on_result failed, and the stream ends"
    assert record.exc_info[0] is ZeroDivisionError


def test_an_exception_of_the_block_goes_before_one_of_a_callback(segmenter, camera):
    source = camera()
    with pytest.raises(KeyError), segmenter.stream(source, on_result=fail):  # noqa: PT012
        end = time.monotonic() + 20
        while source.closed == 0:
            assert time.monotonic() < end
            time.sleep(0.01)
        raise KeyError


def test_what_a_callback_raises_is_raised_once(segmenter, camera):
    stream = segmenter.stream(camera(), on_result=fail)
    with pytest.raises(ZeroDivisionError):
        stream.wait()
    stream.close()


def test_leaving_the_loop_ends_the_threads(model, camera):
    before = threading.active_count()
    source = camera()
    with Segmenter(model) as segmenter:
        for _ in segmenter.stream(source):
            break
    gc.collect()
    end = time.monotonic() + 20
    while threading.active_count() > before:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert source.closed == 1


def test_stop_within_the_loop(segmenter, video):
    sink = Collector()
    with segmenter.stream(video) as pipeline:
        pipeline.add(sink)
        for result in pipeline:
            if result.frame_index == 4:
                pipeline.stop()
    assert 5 <= len(sink.results) < 20
    assert list(pipeline) == []


def test_a_stream_that_was_never_run_ends(segmenter, camera):
    sink = Collector()
    source = camera()
    with segmenter.stream(source) as pipeline:
        pipeline.add(sink)
    assert sink.closed == 1
    assert source.opened == []
    assert list(pipeline) == []


@pytest.fixture
def hanging(camera, monkeypatch):
    """A source that gives three frames and no more, and never ends, until the test is over."""
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.2)
    source, over = camera(live=False, fps=1000), threading.Event()
    given = source.frames()

    def frames():
        yield from itertools.islice(given, 3)
        over.wait(60)

    source.frames = frames
    yield source
    over.set()


@pytest.mark.parametrize("way", ["loop", "on_result", "with"])
def test_a_source_that_hangs_is_abandoned(segmenter, hanging, way):
    results, three = [], threading.Event()

    def take(result):
        results.append(result)
        if len(results) == 3:
            three.set()

    stream = segmenter.stream(hanging)

    def loop():
        for result in stream:
            take(result)

    def within():
        with stream:
            stream.call(take)
            assert three.wait(20)

    if way == "on_result":
        stream.call(take)
        assert three.wait(20)
    other = threading.Thread(
        target={"loop": loop, "on_result": stream.close, "with": within}[way], daemon=True
    )
    other.start()
    assert three.wait(20)
    stream.stop()
    other.join(20)
    assert not other.is_alive()


@pytest.mark.parametrize("name", ["aernet capture", "aernet predict", "aernet stabilize", "aernet later"])
def test_a_thread_that_cannot_start_ends_the_pipeline_and_its_sinks(segmenter, video, monkeypatch, name):
    start = threading.Thread.start

    def fails(thread):
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fails)
    sink, later = Collector(), Collector()
    later.name = "later"

    def run():
        with segmenter.stream(video) as pipeline:
            pipeline.add(sink)
            pipeline.start()
            pipeline.add(later)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        run()
    assert sink.closed == 1
    assert not any(thread.is_alive() for thread in sink.threads)


def test_a_sink_may_close_the_pipeline(segmenter):
    class Closing(Collector):
        def write(self, result):
            super().write(result)
            if len(self.results) == 2:
                time.sleep(0.5)  # until results wait for room
                pipeline.close()

    sink = Closing()
    pipeline = segmenter.stream([np.zeros((48, 64, 3), np.uint8)] * 60)
    pipeline.add(sink)
    waiting = threading.Thread(target=pipeline.wait, daemon=True)
    waiting.start()
    waiting.join(60)
    assert not waiting.is_alive()
    assert (len(sink.results), sink.closed) == (2, 1)


@pytest.mark.parametrize("live", [True, False])
def test_a_source_without_a_frame_is_named(segmenter, camera, live):
    source = camera(live=live)
    source.frames = lambda: (item for item in ())
    with pytest.raises(SourceError, match=r"^fake: gave no frame$"):
        list(segmenter.stream(source))


def test_what_came_before_a_fault_in_a_file_is_given(segmenter, camera):
    results = []
    with pytest.raises(SourceError, match="unplugged"):
        results.extend(segmenter.stream(camera(live=False, lives=(7,), fps=1000)))
    assert [result.frame_index for result in results] == list(range(7))


def test_a_segmenter_that_fails_ends_it(segmenter, camera):
    source = camera()
    source.picture = np.zeros((10, 10, 2), np.uint8)
    with pytest.raises(FrameError):
        list(segmenter.stream(source))
    assert source.closed == 1


def test_frames_are_not_swapped_silently(model, camera):
    with Segmenter(model, colour="rgb") as segmenter, pytest.raises(AernetError, match="colour='bgr'"):
        segmenter.stream(camera())


def test_the_status_counts(segmenter, video):
    with segmenter.stream(video) as pipeline:
        assert pipeline.status().results == 0
        assert pipeline.status().state is State.NO_LESION
        list(pipeline)
    status = pipeline.status()
    assert (status.results, status.dropped, status.connected) == (20, 0, False)
    assert 0 < status.latency_ms_p50 <= status.latency_ms_p99
    assert status.seconds > 0
