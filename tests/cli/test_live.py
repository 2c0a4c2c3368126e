from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

TEST = "test://?width=320&height=180&fps=20"


@pytest.fixture
def live(command, model):
    def run(*arguments):
        return command("live", *arguments, "--model", model)

    return run


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def counts(stderr):
    """Return what the table at the end says: frames, dropped, frames a second, latencies."""
    cells = [cell.strip() for cell in stderr.splitlines()[-2].split("│")[1:-1]]
    return int(cells[0]), int(cells[1]), *cells[2:]


def test_everything_that_can_be_asked_for(live, tmp_path):
    answer = live(
        TEST, "--duration", "3", "--view", "none", "--track", tmp_path / "t.csv",
        "--record", tmp_path / "o.mp4", "--record", tmp_path / "m.mkv", "--record", tmp_path / "masks",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == ""
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    frames, dropped, *_ = counts(answer.stderr)
    assert frames == len(rows) > 3
    assert int(rows[-1]["dropped"]) == dropped == int(rows[-1]["frame"]) + 1 - frames
    assert float(rows[-1]["seconds"]) < 5
    masks = sorted((tmp_path / "masks").glob("*.png"))
    assert [int(mask.stem) for mask in masks] == [int(row["frame"]) for row in rows]
    assert len(frames_of(tmp_path / "o.mp4")) == len(frames_of(tmp_path / "m.mkv")) == frames
    for mask, frame, row in zip(masks, frames_of(tmp_path / "m.mkv"), rows, strict=True):
        picture = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(frame[..., 0], picture)
        assert bool(row["area_px"]) == picture.any()


def test_a_video_gives_every_frame(live, write_film, tmp_path):
    answer = live(write_film(30), "--view", "none", "--track", tmp_path / "t.jsonl", "--no-smooth")
    assert answer.returncode == 0, answer.stderr
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [row["frame"] for row in rows] == list(range(30))
    assert counts(answer.stderr)[:2] == (30, 0)


@pytest.fixture
def write_film(tmp_path, examples):
    def write(count):
        path = tmp_path / "film.mp4"
        picture = cv2.resize(cv2.imread(str(examples[1])), (320, 240))
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for _ in range(count):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            container.mux(stream.encode(None))
        return path

    return write


def test_errors_are_one_line(model, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    for arguments, part, status in (
        (("ftp://host/film",), "ftp://host/film: no such kind of source; expected a number", 1),
        ((tmp_path / "none.mp4",), "none.mp4: no such file or folder", 1),
        ((tmp_path / "text.mp4",), "text.mp4: cannot be read as video", 1),
        (("63",), "camera", 1),
        ((TEST, "--record", tmp_path / "a.avi"), "expected .mp4 (the overlay)", 1),
        ((TEST, "--track", tmp_path / "a.xls"), "expected a track to be called .csv or .jsonl", 1),
        ((TEST, "--record", tmp_path / "text.mp4" / "a.mp4"), "cannot be written", 1),
        ((TEST, "--view", "window"), "there is no display; use --view none", 1),
        ((TEST, "--view", "hologram"), "--view", 2),
        ((TEST, "--duration", "-1"), "--duration", 2),
    ):
        environment = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
        program = "from aernet.cli import main; main()"
        view = () if "--view" in arguments else ("--view", "none")
        answer = subprocess.run(
            [sys.executable, "-c", program, "live", *map(str, arguments), *view, "--model", model],
            capture_output=True, text=True, check=False, env=environment, timeout=120,
        )  # fmt: skip
        assert answer.returncode == status, answer.stderr
        assert part in answer.stderr
        assert answer.stderr.startswith("aernet-trt: ")
        assert answer.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(start, model, tmp_path, number):
    arguments = ("--view", "none", "--record", tmp_path / "o.mp4", "--track", tmp_path / "t.csv")
    with start("live", TEST, *arguments, "--model", model) as process:
        end = time.monotonic() + 60
        while not (tmp_path / "t.csv").exists() or (tmp_path / "t.csv").read_text().count("\n") < 8:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert stdout == ""
    frames = counts(stderr)[0]
    assert len(frames_of(tmp_path / "o.mp4")) == frames == (tmp_path / "t.csv").read_text().count("\n") - 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_recording_alone(live, tmp_path):
    (tmp_path / "o.mp4").symlink_to("/dev/full")
    answer = live(
        TEST,
        "--duration",
        "2",
        "--view",
        "none",
        "--record",
        tmp_path / "o.mp4",
        "--track",
        tmp_path / "t.csv",
    )
    assert answer.returncode == 1
    lines = answer.stderr.splitlines()
    assert (
        lines[0] == f"aernet-trt: {tmp_path}/o.mp4: cannot be written (No space left on device); it ends here"
    )
    assert sum("aernet-trt" in line for line in lines) == 1
    assert counts(answer.stderr)[0] == (tmp_path / "t.csv").read_text().count("\n") - 1 > 10


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb")
def test_a_window_shows_it(model, tmp_path):
    """In a real X server, whose picture is read back through its shared file."""
    display = ":87"
    with subprocess.Popen(
        ["Xvfb", display, "-screen", "0", "400x300x24", "-fbdir", tmp_path], stderr=subprocess.DEVNULL
    ) as server:
        try:
            end = time.monotonic() + 20
            while not (tmp_path / "Xvfb_screen0").exists():
                assert time.monotonic() < end
                time.sleep(0.05)
            program = "from aernet.cli import main; main()"
            arguments = ["live", TEST, "--view", "window", "--duration", "6", "--model", str(model)]
            with subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                env=os.environ | {"DISPLAY": display},
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                shown = 0
                while process.poll() is None:
                    screen = np.frombuffer((tmp_path / "Xvfb_screen0").read_bytes(), np.uint8)
                    shown = max(shown, len(np.unique(screen)))
                    time.sleep(0.1)
                stderr = process.stderr.read()
            assert process.returncode == 0, stderr
            assert shown > 50  # an empty screen has a handful of levels
        finally:
            server.terminate()
