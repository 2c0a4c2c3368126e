"""The page's recorder: one recording at a time, and each that has ended can be played."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import av
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aernet import AernetError, Segmenter
from aernet.video.result import VideoResult
from aernet.video.sink_thread import SinkThread
from aernet.video.states import State
from aernet.video.status import Statistics
from aernet.viewer.recorder import Recorder

SIZES = st.sampled_from([(32, 48), (33, 49)])


class Feeder:
    """What a pipeline is to a recorder."""

    def __init__(self):
        self.threads = {}
        self.statistics = Statistics()

    def add(self, sink):
        thread = self.threads[sink] = SinkThread(sink, self.statistics, waits=True)
        thread.thread.start()

    def remove(self, sink):
        thread = self.threads.pop(sink)
        thread.inbox.close()
        thread.thread.join()


class Recorders(RuleBasedStateMachine):
    segmenter = None

    @initialize()
    def begin(self):
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "recordings"
        self.feeder = Feeder()
        self.recorder = Recorder(self.feeder, self.folder)
        self.frames = {}
        self.moment = 0.0
        self.broken = set()

    def teardown(self):
        if hasattr(self, "root"):
            self.recorder.stop()
            self.each_that_has_ended_can_be_played()
            assert self.recorder.running is None
            assert self.feeder.threads == {}
            shutil.rmtree(self.root)

    @rule()
    def start(self):
        if self.folder.is_file() and self.recorder.running is None:
            before = self.recorder.finished
            with pytest.raises(AernetError, match=r"is a file, not a folder|cannot be written"):
                self.recorder.start()
            assert self.recorder.running is None
            assert self.recorder.finished == before
            return
        self.recorder.start()
        assert self.recorder.running is not None
        self.frames.setdefault(self.recorder.running, 0)

    @rule(starts=st.lists(st.booleans(), min_size=2, max_size=5))
    def start_and_stop_at_once(self, starts):
        if self.folder.is_file():
            return
        threads = [
            threading.Thread(target=self.recorder.start if start else self.recorder.stop) for start in starts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(self.feeder.threads) <= 1
        if self.recorder.running is not None:
            self.frames.setdefault(self.recorder.running, 0)

    @rule(count=st.integers(1, 4), size=SIZES)
    def frame(self, count, size):
        for _ in range(count):
            self.moment += 0.04
            frame = np.full((*size, 3), 20, np.uint8)
            segmentation = self.segmenter(frame)
            result = VideoResult(segmentation, State.LESION, 0, self.moment, 0, 1.0)
            for sink, thread in self.feeder.threads.items():
                if thread.inbox.put(result):
                    self.frames[sink.path.name] += 1

    @rule()
    def break_the_disk(self):
        """The next write fails, as on a full disk."""
        name = self.recorder.running
        if name is None:
            return
        (sink,) = self.feeder.threads
        thread = self.feeder.threads[sink]
        failing = mock.Mock(side_effect=AernetError(f"{name}: cannot be written"))
        sink._recording = SimpleNamespace(write=failing, close=sink._recording.close)
        self.broken.add(name)
        segmentation = self.segmenter(np.full((32, 48, 3), 20, np.uint8))
        thread.inbox.put(VideoResult(segmentation, State.LESION, 0, self.moment, 0, 1.0))
        thread.thread.join(60)
        assert self.recorder.running is None
        assert self.feeder.statistics.failures[-1].startswith(name)

    @rule()
    def put_a_file_in_the_way(self):
        if not self.folder.exists():
            self.folder.write_bytes(b"")

    @rule()
    def take_the_file_away(self):
        if self.folder.is_file():
            self.folder.unlink()

    @rule()
    def stop(self):
        self.recorder.stop()
        assert self.recorder.running is None
        self.each_that_has_ended_can_be_played()

    @invariant()
    def names_are_known(self):
        if hasattr(self, "root"):
            assert self.recorder.running not in self.recorder.finished
            assert self.recorder.path("../secret.mp4") is None
            for name in self.recorder.finished:
                assert self.recorder.path(name) == self.folder / name

    def each_that_has_ended_can_be_played(self):
        for name in self.recorder.finished:
            with av.open(str(self.folder / name)) as container:
                count = sum(1 for _ in container.decode(video=0))
            assert count == self.frames[name] or name in self.broken
            assert count > 0


@pytest.mark.filterwarnings("ignore")
def test_recordings_in_any_order(model, explore):
    class OfTheModel(Recorders):
        pass

    with Segmenter(model, "cpu") as segmenter:
        OfTheModel.segmenter = segmenter
        explore(OfTheModel)
