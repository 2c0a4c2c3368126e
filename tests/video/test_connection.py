"""A live source that goes away, and comes back."""

from __future__ import annotations

import logging
import threading
import time

import av
import numpy as np
import pytest

from aernet import SourceError
from aernet.video.sinks import Recording


class Skipping(threading.Event):
    """An event that nobody sets, whose time passes at once: waiting moves the clock."""

    def __init__(self):
        super().__init__()
        self.skipped = 0.0

    def clock(self):
        return time.perf_counter() + self.skipped

    def wait(self, timeout=None):
        self.skipped += timeout
        return self.is_set()


@pytest.mark.parametrize("away", [0.05, 1.2, 3600.0])
def test_a_camera_that_goes_away_comes_back_with_one_warning(segmenter, camera, caplog, tmp_path, away):
    source = camera(lives=(10, None), away=away)
    with caplog.at_level(logging.WARNING), segmenter.stream(source) as pipeline:
        pipeline._stopping = skipping = Skipping()
        source.clock = skipping.clock
        pipeline.add(Recording(tmp_path / "out.mp4"))
        for result in pipeline:
            if result.frame_index >= 20:
                break
            last = result
    assert last.timestamp > away
    assert last.frame_index >= 10
    # Tried again at most a second after the camera was back, and not more than 12 times a second meanwhile.
    assert source.opened[-2] < source.back <= source.opened[-1]
    assert max(np.diff(source.opened[1:]), default=0) < 1.5
    assert 2 <= len(source.opened) <= 6 + away
    messages = [record.getMessage() for record in caplog.records if record.name == "aernet.video.pipeline"]
    assert messages == ["fake: unplugged; trying again until it is back"]
    with av.open(str(tmp_path / "out.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times[0] < 0.5
    assert times[-1] > away


def test_a_loose_plug_is_one_warning(segmenter, camera, caplog):
    source = camera(lives=(4, 4, 4, 4, None))
    for result in segmenter.stream(source):
        if result.frame_index > 20:
            break
    assert len(source.opened) == 5
    assert len(caplog.records) == 1


def test_the_state_of_the_connection_is_shown(segmenter, camera):
    source = camera(lives=(5,), away=60)
    pipeline = segmenter.stream(source)
    assert not pipeline.status().connected
    pipeline.start()
    end = time.monotonic() + 20
    while source.back is None or pipeline.status().connected or not pipeline.status().results:
        assert time.monotonic() < end
        time.sleep(0.01)
    pipeline.close()


def test_a_camera_that_goes_away_raises_if_told_to(segmenter, camera):
    results = []
    with pytest.raises(SourceError, match=r"^fake: unplugged$"):
        results.extend(segmenter.stream(camera(lives=(5,)), retry=False))
    assert results


def test_a_camera_that_is_not_there_raises_at_once(segmenter, camera):
    source = camera(lives=(0,))
    with pytest.raises(SourceError, match="unplugged"):
        list(segmenter.stream(source))
    assert len(source.opened) == 1
