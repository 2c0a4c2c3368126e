from __future__ import annotations

import logging
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from ports import free_port

from aernet import SourceError
from aernet.video import open_source
from aernet.video.frame import to_bgr
from aernet.video.sinks import Recording
from aernet.video.sources import network

PYTHON = "/usr/bin/python3"  # Debian's, which has its GStreamer
SERVER = Path(__file__).with_name("rtsp_server.py")


def can_serve():
    needs = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer;"
    )
    needs += "Gst.init(None); assert Gst.ElementFactory.find('rtpjpegpay')"
    return (
        Path(PYTHON).exists()
        and not subprocess.run([PYTHON, "-c", needs], capture_output=True, check=False).returncode
    )


needs_server = pytest.mark.skipif(not can_serve(), reason="needs GStreamer's RTSP server for Python")


@pytest.fixture
def port():
    return free_port()


@contextmanager
def served(port):
    with subprocess.Popen([PYTHON, SERVER, str(port)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.kill()


def test_no_server_is_one_line(port):
    with pytest.raises(SourceError, match=r"^rtsp://127\.0\.0\.1:\d+/lens: cannot be read as video") as error:
        next(open_source(f"rtsp://nurse:secret@127.0.0.1:{port}/lens").frames())
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_server_that_says_nothing_is_given_up(port, monkeypatch):
    monkeypatch.setattr(network, "_SECONDS", (0.5, 0.5))
    with socket.create_server(("127.0.0.1", port)):
        begin = time.monotonic()
        with pytest.raises(SourceError, match="cannot be read as video"):
            next(open_source(f"rtsp://127.0.0.1:{port}/lens").frames())
        assert time.monotonic() - begin < 20  # a server may be silent for ever


@needs_server
def test_frames_arrive_in_their_colours(port):
    with served(port):
        frames = open_source(f"rtsp://127.0.0.1:{port}/lens").frames()
        pictures = [to_bgr(next(frames)[0]) for _ in range(5)]
        frames.close()
    for picture in pictures:
        assert picture.shape == (240, 320, 3)
        np.testing.assert_allclose(picture.reshape(-1, 3).mean(0), (0, 0, 255), atol=20)


@needs_server
def test_a_server_killed_and_started_again(segmenter, port, tmp_path, caplog):
    source, opened = open_source(f"rtsp://127.0.0.1:{port}/lens"), []
    frames = source.frames
    source.frames = lambda: opened.append(time.monotonic()) or frames()
    with caplog.at_level(logging.WARNING), segmenter.stream(source) as pipeline:
        pipeline.add(Recording(tmp_path / "out.mp4"))
        with served(port):
            results = iter(pipeline)
            before = [next(results) for _ in range(10)][-1]
        gone = time.monotonic()
        while pipeline.status().connected:
            assert time.monotonic() - gone < 60
            time.sleep(0.02)
        time.sleep(1)
        with served(port):
            back = time.monotonic()
            while not pipeline.status().connected:
                assert time.monotonic() - back < 60
                time.sleep(0.02)
            for result in results:
                if result.timestamp > before.timestamp + 1.5:
                    break
            pipeline.close()
    # The first try succeeds; that it is made within a second, test_pipeline.py shows by a clock of its own.
    assert sum(moment > back for moment in opened) == 1
    warnings = [record.getMessage() for record in caplog.records if record.name == "aernet.video.pipeline"]
    assert len(warnings) == 1
    assert warnings[0].endswith("trying again until it is back")
    with av.open(str(tmp_path / "out.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert len(times) > 10
    assert times[-1] > before.timestamp + 1
