from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

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
    pictures = [next(frames)[0].to_bgr() for _ in range(4)]
    for picture in pictures:
        assert picture.shape == (180, 328, 3)
        np.testing.assert_allclose(picture.reshape(-1, 3).mean(0), (0, 0, 255), atol=4)
    assert next(frames, None) is None  # it is no camera, which would have gone away


@pytest.mark.parametrize(
    ("stated", "matrix", "full_range"),
    [
        ("bt601", "bt601", False),
        ("bt709", "bt709", False),
        ("1:4:7:1", "bt601", True),  # JPEG
        ("1:3:5:1", "bt709", True),
        ("2:4:5:1", "bt601", False),  # cameras in sRGB
    ],
)
def test_frames_are_handed_on_in_the_colours_that_the_pipeline_has(stated, matrix, full_range):
    source = open_source(
        f"videotestsrc num-buffers=1 foreground-color=0xff2040c0 pattern=solid-color "
        f"! video/x-raw,format=BGRx ! videoconvert "
        f"! video/x-raw,format=I420,width=64,height=48,colorimetry={stated}"
    )
    frame, _ = next(source.frames())
    assert (frame.matrix, frame.full_range) == (matrix, full_range)
    np.testing.assert_allclose(frame.to_bgr().reshape(-1, 3).mean(0), (0xC0, 0x40, 0x20), atol=4)


@pytest.mark.parametrize(("height", "matrix"), [(576, "bt601"), (578, "bt709")])
def test_colours_that_are_not_stated_are_those_that_gstreamer_takes(height, matrix):
    source = open_source(
        f"videotestsrc num-buffers=1 foreground-color=0xff2040c0 pattern=solid-color "
        f"! video/x-raw,format=BGRx,width=64,height={height}"
    )
    frame, _ = next(source.frames())
    assert (frame.matrix, frame.full_range) == (matrix, False)
    np.testing.assert_allclose(frame.to_bgr().reshape(-1, 3).mean(0), (0xC0, 0x40, 0x20), atol=4)


@pytest.mark.parametrize(
    ("pipeline", "reason"),
    [
        ("videotestsrc ! nonsense", 'no element "nonsense"'),
        ("videotestsrc pattern=nonsense ! videoconvert", 'could not set property "pattern"'),
        ("audiotestsrc ! videoconvert", "could not link audiotestsrc0"),
    ],
)
def test_what_is_wrong_with_a_pipeline_is_told(pipeline, reason):
    with pytest.raises(SourceError) as error:
        next(open_source(pipeline).frames())
    assert str(error.value).startswith(f"{pipeline}: {reason}")


def test_interlaced_frames_are_refused():
    source = open_source("videotestsrc ! video/x-raw,width=64,height=48,interlace-mode=interleaved")
    with pytest.raises(SourceError, match=r"found interlaced ones; add '! deinterlace'$"):
        next(source.frames())


def test_other_colours_are_refused():
    source = open_source("videotestsrc ! video/x-raw,format=I420,width=64,height=48,colorimetry=bt2020")
    with pytest.raises(SourceError, match=r"BT\.709, found bt2020; add '! videoconvert ! video/x-raw,color"):
        next(source.frames())


def test_it_is_a_camera():
    source = open_source("videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=20/1")
    assert source.live
    frames = source.frames()
    times = [next(frames)[1] for _ in range(16)]
    frames.close()
    assert times == sorted(times)
    assert times[-1] <= time.perf_counter()
    assert times[-1] - times[0] > 0.2


FINITE = "videotestsrc num-buffers=6 {}! video/x-raw,width=64,height=48,framerate=60/1"


def test_a_pipeline_that_is_not_live_ends_for_good(segmenter, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    results = list(segmenter.stream(FINITE.format("")))
    assert 0 < len(results) <= 6


def test_a_live_pipeline_that_ends_is_opened_again(segmenter, caplog):
    seen = []
    for result in segmenter.stream(FINITE.format("is-live=true ")):
        seen.append(result.frame_index)
        if result.frame_index > 8:
            break
    assert max(seen) > 8
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "has ended; trying again until it is back"
    ]


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


def test_what_an_element_prints_does_not_shift_a_frame(tmp_path):
    (tmp_path / "said").write_text("NvCapture: good morning\n" * 3000)
    frames = open_source(
        f"filesrc location={tmp_path / 'said'} blocksize=500 ! identity sleep-time=1000 ! fdsink fd=1 "
        "videotestsrc num-buffers=30 foreground-color=0 pattern=red "
        "! video/x-raw,width=64,height=48,framerate=100/1 ! identity sync=true"
    ).frames()
    for _ in range(30):
        picture = next(frames)[0].to_bgr()
        np.testing.assert_allclose(picture.reshape(-1, 3), np.tile((0, 0, 255), (64 * 48, 1)), atol=4)
    frames.close()


def test_what_gstreamer_says_shows_no_password():
    source = open_source("uridecodebin uri=//nurse:secret@camera/lens ! videoconvert")
    with pytest.raises(SourceError, match="camera/lens") as error:
        list(source.frames())
    assert "secret" not in str(error.value)


STAND_IN = """#!{python}
import os, sys
said = {said!r}
os.write(int(sys.argv[-1].removeprefix("fd=")), said)
"""


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"good morning\n", "expected a YUV4MPEG2 header .*, found b'good morning"),
        (b"\x00" * 1000, "expected a YUV4MPEG2 header"),
        (
            b"YUV4MPEG2 C420 W8 H2 Ip F30:1 A1:1\nFRAME\n" + b"\x80" * 24 + b"..FRAME\n" + b"\x80" * 24,
            r"expected FRAME before each frame from gst-launch-1\.0, found b'\.\.FRAM'",
        ),
    ],
)
def test_what_is_no_video_is_one_line(monkeypatch, tmp_path, said, message):
    program = tmp_path / "gst-launch-1.0"
    program.write_text(STAND_IN.format(python=sys.executable, said=said))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match=message) as error:
        list(open_source("videotestsrc ! identity").frames())
    assert "\n" not in str(error.value)


HANGS = """
import sys, threading, time
from pathlib import Path
from aernet.video import open_source
frames = open_source("videotestsrc ! identity").frames()
threading.Thread(target=next, args=(frames,), daemon=True).start()
while not Path(sys.argv[1]).exists():
    time.sleep(0.01)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_pipeline_that_hangs_does_not_outlive_the_program(monkeypatch, tmp_path):
    program, note = tmp_path / "gst-launch-1.0", tmp_path / "pid"
    program.write_text(f"#!/bin/sh\necho $$ > {note}.new; mv {note}.new {note}; exec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    subprocess.run([sys.executable, "-c", HANGS, note], check=True, timeout=60)
    end = time.monotonic() + 20
    while state_of(int(note.read_text())) != "Z":
        assert time.monotonic() < end
        time.sleep(0.01)


def state_of(process):
    """Return a process's state as proc(5) has it; Z, as of one that has ended, if it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_without_gstreamer(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match=r"needs gst-launch-1\.0"):
        next(open_source("videotestsrc ! identity").frames())


def test_an_interrupt_is_not_a_source_that_went_away(model, tmp_path):
    """Ctrl-C reaches every process of a terminal's group, and is this program's to take."""
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from aernet.cli import main; main()"
    source = "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=20/1"
    track = tmp_path / "t.csv"
    arguments = ["live", source, "--view", "none", "--track", str(track), "--model", str(model)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        end = time.monotonic() + 60
        while not track.exists() or track.read_text().count("\n") < 3:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert "aernet-trt:" not in stderr
