from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from aernet.cli.app import app
from aernet.cli.live import _stopped_by_ctrl_c

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


def left_out(stderr, path):
    """Return how many results a recording of a live source was too slow for; it is said."""
    said = re.search(rf"{re.escape(str(path))}: too slow, (\d+) results left out", stderr)
    return int(said[1]) if said else 0


def test_a_camera_for_a_while(live, tmp_path):
    answer = live(
        TEST,
        "--duration",
        "2",
        "--view",
        "none",
        "--track",
        tmp_path / "t.csv",
        "--record",
        tmp_path / "o.mp4",
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == ""
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    frames, dropped, *_ = counts(answer.stderr)
    assert frames == len(rows) + left_out(answer.stderr, tmp_path / "t.csv") > 3
    assert int(rows[-1]["dropped"]) == dropped == int(rows[-1]["frame"]) + 1 - frames
    assert len(frames_of(tmp_path / "o.mp4")) == frames - left_out(answer.stderr, tmp_path / "o.mp4")
    # A second goes by, and then another: it is a camera, not a file.
    assert 1 < float(rows[-1]["seconds"]) < 30


def test_a_video_gives_every_frame_to_all_that_can_be_asked_for(live, write_film, tmp_path):
    answer = live(
        write_film(30), "--view", "none", "--track", tmp_path / "t.jsonl", "--no-smooth",
        "--mm-per-pixel", "0.5", "--record", tmp_path / "o.mp4",
        "--record", tmp_path / "m.mkv", "--record", tmp_path / "masks",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [row["frame"] for row in rows] == list(range(30))
    assert counts(answer.stderr)[:2] == (30, 0)
    masks = sorted((tmp_path / "masks").glob("*.png"))
    assert [int(mask.stem) for mask in masks] == list(range(30))
    assert len(frames_of(tmp_path / "o.mp4")) == 30
    for mask, frame, row in zip(masks, frames_of(tmp_path / "m.mkv"), rows, strict=True):
        picture = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(frame[..., 0], picture)
        assert row["area_px"] > 0
        assert row["area_mm2"] == pytest.approx(row["area_px"] / 4)
        assert picture.any()


def test_a_damaged_video_is_told_in_the_end(live, write_film, tmp_path):
    path = write_film(30)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    start, size = places[12]
    data[start + 4 : start + size] = b"\xff" * (size - 4)
    path.write_bytes(data)
    answer = live(path, "--view", "none", "--track", tmp_path / "t.jsonl", "--record", tmp_path / "masks")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.startswith(f"aernet-trt: {path}: is damaged: frame")
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    numbers = [row["frame"] for row in rows]
    assert len(numbers) < 30
    assert numbers[:5] == list(range(5))
    assert numbers == [int(mask.stem) for mask in sorted((tmp_path / "masks").glob("*.png"))]
    assert [row["seconds"] for row in rows] == pytest.approx([number / 25 for number in numbers], abs=1e-3)
    assert rows[-1]["dropped"] == rows[-1]["frame"] + 1 - len(rows)


def test_what_is_read_is_not_written_over(live, write_film, tmp_path):
    film = write_film(2)
    before = film.read_bytes()
    for path in (film, tmp_path / "nowhere" / ".." / "film.mp4"):
        answer = live(film, "--view", "none", "--record", path)
        assert answer.returncode == 1
        assert answer.stderr == f"aernet-trt: {path}: is the source itself; write somewhere else\n"
        assert film.read_bytes() == before


@pytest.mark.parametrize("source", ["frames", "frames/*.png", "frames/000000.png"])
def test_pictures_that_are_read_are_not_written_over(live, tmp_path, source):
    folder = tmp_path / "frames"
    folder.mkdir()
    cv2.imwrite(str(folder / "000000.png"), np.full((40, 40, 3), 90, np.uint8))
    before = (folder / "000000.png").read_bytes()
    answer = live(tmp_path / source, "--view", "none", "--record", folder)
    assert answer.returncode == 1
    assert answer.stderr == f"aernet-trt: {folder}: is the source itself; write somewhere else\n"
    assert (folder / "000000.png").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "name"),
    [("--record", "a.mp4"), ("--record", "a.mkv"), ("--track", "a.csv"), ("--record", "a")],
)
def test_an_earlier_recording_is_not_written_over(live, write_film, tmp_path, option, name):
    path = tmp_path / name
    file = path if path.suffix else path / "000000.png"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"an earlier one")
    film = write_film(2)
    answer = live(film, "--view", "none", option, path)
    assert answer.returncode == 1
    assert (
        answer.stderr == f"aernet-trt: {path}: is there already; give it another name, or remove it first\n"
    )
    assert file.read_bytes() == b"an earlier one"
    file.unlink()
    assert live(film, "--view", "none", option, path).returncode == 0
    assert file.stat().st_size > 0


def test_two_recordings_into_one_file(live, write_film, tmp_path):
    path = tmp_path / "out.mp4"
    answer = live(write_film(2), "--view", "none", "--record", path, "--record", path)
    assert answer.returncode == 1
    assert answer.stderr == f"aernet-trt: {path}: is named twice; write each to a place of its own\n"
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_a_page_for_other_machines_asks_for_the_token_that_is_printed(start, model):
    arguments = ("--view", "web", "--host", "0.0.0.0", "--port", 0, "--model", model)
    with start("live", TEST, *arguments) as process:
        line = process.stderr.readline()
        port, token = re.fullmatch(r"open http://\S+:(\d+)/\?token=([\w-]{43})\n", line).groups()
        page = f"http://127.0.0.1:{port}/"
        assert httpx.get(page, timeout=60).status_code == 401
        assert httpx.get(page, params={"token": token}, timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert token not in stdout + stderr
    counts(stderr)


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


ALL = """
import json, sys
from aernet.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["aernet-trt", "live", *arguments]
    try:
        main()
    except SystemExit as end:
        print(end.code, flush=True)
    print("end", file=sys.stderr, flush=True)
"""


def test_errors_are_one_line(model, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    cases = (
        (("ftp://host/film",), "ftp://host/film: no such kind of source; expected a number", 1),
        (("test://seed=3",), "test://seed=3: no such kind of source; expected a number", 1),
        (("rtsp:///lens",), "rtsp:///lens: no such kind of source; expected a number", 1),
        ((), "SOURCE: name one; cameras here: ", 2),
        (("",), "SOURCE: name one; cameras here: ", 2),
        ((TEST, "--device", "gpu"), "expected one of auto, cpu, cuda, cuda:1, openvino, openvino:gpu", 1),
        ((tmp_path / "none.mp4",), "none.mp4: no such file or folder", 1),
        ((tmp_path / "text.mp4",), "text.mp4: cannot be read as video", 1),
        (("63",), "camera", 1),
        ((f"v4l2://{tmp_path}/text.mp4",), "close any program that holds it", 1),
        ((TEST, "--record", tmp_path / "a.avi"), "expected .mp4 (the overlay)", 1),
        ((TEST, "--track", tmp_path / "a.xls"), "expected a track to be called .csv or .jsonl", 1),
        ((TEST, "--record", tmp_path / "text.mp4" / "a.mp4"), "text.mp4 is a file, not a folder)", 1),
        ((TEST, "--mm-per-pixel", "0"), "mm_per_pixel: expected a finite number above 0", 1),
        ((TEST, "--view", "window"), "there is no display; use --view web or --view none", 1),
        ((TEST, "--view", "hologram"), "--view", 2),
        ((TEST, "--duration", "-1"), "--duration", 2),
    )
    everything = [
        [*map(str, arguments), *(() if "--view" in arguments else ("--view", "none")), "--model", str(model)]
        for arguments, _, _ in cases
    ]
    answer = subprocess.run(
        [sys.executable, "-c", ALL, json.dumps(everything)],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if "DISPLAY" not in name},
        timeout=120,
    )
    said = answer.stderr.split("end\n")[:-1]
    for (_, part, status), code, words in zip(cases, answer.stdout.split(), said, strict=True):
        assert int(code) == status, words
        assert part in words
        assert words.startswith("aernet-trt: ")
        assert words.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.mp4"]


def test_one_picture_stays_in_its_window_until_it_is_closed(model, examples, monkeypatch):
    keys = iter([-1, -1, -1, -1, ord("q")])
    shown = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: shown.append(picture))
    monkeypatch.setattr(cv2, "waitKey", lambda _: next(keys))
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    answer = CliRunner().invoke(app, ["live", str(examples[0]), "--model", str(model)])
    assert answer.exit_code == 0, answer.output
    assert len(shown) == 1
    assert shown[0].shape == cv2.imread(str(examples[0])).shape
    assert next(keys, None) is None
    keys = iter([-1])
    answer = CliRunner().invoke(app, ["live", str(examples[0]), "--model", str(model), "--duration", "60"])
    assert answer.exit_code == 0, answer.output
    assert next(keys, None) is None


def test_without_a_display_it_says_that_nothing_is_shown(model, examples, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    silent = ("--view", "none"), ("--track", str(tmp_path / "t.csv"))
    for options in ((), *silent):
        answer = CliRunner().invoke(app, ["live", str(examples[0]), "--model", str(model), *options])
        assert answer.exit_code == 0, answer.output
        assert ("no display, so nothing is shown; --view web" in answer.stderr) == (not options)


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
    rows = (tmp_path / "t.csv").read_text().count("\n") - 1
    assert len(frames_of(tmp_path / "o.mp4")) + left_out(stderr, tmp_path / "o.mp4") == frames
    assert rows + left_out(stderr, tmp_path / "t.csv") == frames


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
    lines = [line for line in answer.stderr.splitlines() if line[0] not in "┏┃┡│└"]
    assert [line for line in lines if "left out" not in line] == [
        f"aernet-trt: {tmp_path}/o.mp4: cannot be written (No space left on device); the video ends here"
    ]
    rows = (tmp_path / "t.csv").read_text().count("\n") - 1
    assert counts(answer.stderr)[0] == rows + left_out(answer.stderr, tmp_path / "t.csv") > 5


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb")
def test_a_window_shows_it(model, tmp_path):
    """In a real X server, whose picture is read back through its shared file."""

    def levels():
        content = (tmp_path / "Xvfb_screen0").read_bytes()
        return len(np.unique(np.frombuffer(content[-400 * 300 * 4 :], np.uint8)))

    with subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "400x300x24", "-fbdir", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            display = f":{int(server.stdout.readline())}"
            assert levels() < 5  # of an empty screen
            program = "from aernet.cli import main; main()"
            arguments = ["live", TEST, "--view", "window", "--model", str(model)]
            with subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                env=os.environ | {"DISPLAY": display},
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                end = time.monotonic() + 60
                while levels() < 50:
                    assert process.poll() is None, process.stderr.read()
                    assert time.monotonic() < end
                    time.sleep(0.1)
                process.terminate()
                _, stderr = process.communicate(timeout=60)
            assert process.returncode == 0, stderr
        finally:
            server.terminate()


def test_a_ctrl_c_within_a_finalizer_still_stops_the_pipeline():
    class Interrupts:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)  # an exception from here would be dropped

    stopped = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    with _stopped_by_ctrl_c(SimpleNamespace(stop=stopped.set)):
        Interrupts()
        assert stopped.wait(20)
    assert signal.getsignal(signal.SIGINT) is before
