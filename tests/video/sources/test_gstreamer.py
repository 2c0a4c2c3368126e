from __future__ import annotations

import shutil
import time

import numpy as np
import pytest

from aernet import SourceError
from aernet.video import open_source

pytestmark = pytest.mark.skipif(not shutil.which("gst-launch-1.0"), reason="needs gst-launch-1.0")


@pytest.mark.parametrize("end", ["", " ! videoconvert ! appsink drop=true"])
def test_frames_arrive_in_their_colours(end):
    source = open_source(
        f"videotestsrc num-buffers=4 foreground-color=0 pattern=red ! video/x-raw,width=328,height=180{end}"
    )
    frames = source.frames()
    pictures = [next(frames)[0] for _ in range(4)]
    for picture in pictures:
        assert picture.shape == (180, 328, 3)
        np.testing.assert_allclose(picture.reshape(-1, 3).mean(0), (0, 0, 255), atol=4)
    with pytest.raises(SourceError, match="has ended"):
        next(frames)


def test_it_is_a_camera():
    source = open_source("videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=20/1")
    assert source.live
    frames = source.frames()
    times = [next(frames)[1] for _ in range(8)]
    frames.close()
    assert times == sorted(times)
    assert times[-1] <= time.perf_counter()
    assert times[-1] - times[0] > 0.2


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("nosuchelement ! videoconvert", "nosuchelement"),
        ("filesrc location=/nothing/here ! decodebin", "(?i)could not open|no such|not exist|resource"),
        (
            "videotestsrc ! video/x-raw,width=642,height=480",
            "multiple of 8 .* found 642 x 480; add '! videoscale",
        ),
    ],
)
def test_faults_are_one_line(pipeline, message):
    with pytest.raises(SourceError, match=message) as error:
        next(open_source(pipeline).frames())
    assert "\n" not in str(error.value)


def test_without_gstreamer(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match=r"needs gst-launch-1\.0"):
        next(open_source("videotestsrc ! identity").frames())
