from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from aernet import Segmenter
from aernet.archive.journal import JOURNAL


@pytest.fixture
def segment(command, model, tmp_path):
    """Run `segment` on tmp_path/pictures with the model of the tests, into tmp_path/out."""

    def run(*arguments, inputs=(tmp_path / "pictures",), output=tmp_path / "out"):
        return command("segment", *inputs, "-o", output, "--model", model, *arguments)

    return run


@pytest.fixture
def pictures(tmp_path, examples):
    """A folder with two real pictures, one of them further down."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(examples[0], folder / "a.jpg")
    shutil.copy(examples[1], folder / "sub" / "b.jpg")
    return folder


def files(folder):
    """All files but the journal."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def masks_of(output):
    return {name: cv2.imread(str(output / name), cv2.IMREAD_UNCHANGED) for name in files(output)}


def test_masks_are_those_of_the_segmenter(segment, pictures, model, tmp_path):
    answer = segment()
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == ""
    masks = masks_of(tmp_path / "out")
    assert list(masks) == ["a_mask.png", "sub/b_mask.png"]
    with Segmenter(model) as segmenter:
        for name, source in (("a_mask.png", "a.jpg"), ("sub/b_mask.png", "sub/b.jpg")):
            expected = segmenter(cv2.imread(str(pictures / source))).mask
            assert expected.any()
            np.testing.assert_array_equal(masks[name], expected)


def test_the_summary_counts(segment, pictures):
    (pictures / "c.png").write_bytes(b"")
    summary = segment().stderr
    cells = [cell.strip() for cell in summary.splitlines()[-2].split("│")]
    assert cells[1:7] == ["3", "2", "0", "1", "0", "0"]
    assert " ms " in summary


def test_everything_that_can_be_asked_for(segment, pictures, model, tmp_path):
    answer = segment("--overlay", "--contours", "--json", "--threshold", "0.7")
    assert answer.returncode == 0, answer.stderr
    out = tmp_path / "out"
    assert files(out) == [
        f"{stem}_{ending}"
        for stem in ("a", "sub/b")
        for ending in ("contours.json", "mask.png", "overlay.jpg")
    ]
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [record["input"] for record in records] == [
        str(pictures / "a.jpg"),
        str(pictures / "sub" / "b.jpg"),
    ]
    for record in records:
        picture = cv2.imread(record["input"])
        with Segmenter(model, threshold=0.7) as segmenter:
            expected = segmenter(picture)
        height, width = picture.shape[:2]
        mask = cv2.imread(record["mask"], cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, expected.mask)
        assert record["status"] == "done"
        assert (record["width"], record["height"]) == (width, height)
        assert record["area_fraction"] == pytest.approx(np.count_nonzero(mask) / mask.size, rel=1e-5)
        assert record["threshold"] == 0.7
        assert record["model"] == "dark"
        assert record["latency_ms"] > 0
        assert (record["expected_dice"], record["needs_review"]) == (None, None)  # it is not calibrated
        overlay = cv2.imread(record["overlay"])
        assert overlay.shape == picture.shape
        assert np.abs(overlay.astype(int) - expected.overlay()).mean() < 3
        contours = json.loads(Path(record["contours"]).read_text(encoding="utf-8"))
        assert (contours["width"], contours["height"], contours["input"]) == (width, height, record["input"])
        drawn = cv2.drawContours(
            np.zeros_like(mask),
            [np.array(points, np.int32) for points in contours["contours"]],
            -1,
            255,
            cv2.FILLED,
        )
        assert np.count_nonzero(drawn & mask) == np.count_nonzero(mask)


def test_keep_largest(segment, tmp_path):
    picture = np.full((200, 300, 3), 230, np.uint8)
    cv2.circle(picture, (90, 100), 60, (20, 20, 20), -1)
    cv2.circle(picture, (90, 100), 20, (230, 230, 230), -1)
    cv2.circle(picture, (240, 100), 25, (20, 20, 20), -1)
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "two.png"), picture)
    shares = {}
    for keep in ("all", "largest"):
        answer = segment("--keep", keep, "--json", output=tmp_path / keep)
        mask = masks_of(tmp_path / keep)["two_mask.png"]
        shares[keep] = json.loads(answer.stdout)["area_fraction"]
        assert shares[keep] == pytest.approx(np.count_nonzero(mask) / mask.size, rel=1e-5)
        assert mask[100, 240] == (255 if keep == "all" else 0)
        assert mask[100, 90] == (0 if keep == "all" else 255)
    assert shares["largest"] == pytest.approx(np.pi * 60**2 / 60000, rel=0.1)


def test_exif_orientation_is_applied(segment, pictures, tmp_path):
    jpeg = (pictures / "a.jpg").read_bytes()
    directory = b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    marker = b"\xff\xe1" + (len(directory) + 2).to_bytes(2, "big")
    (pictures / "turned.jpg").write_bytes(jpeg[:2] + marker + directory + jpeg[2:])
    assert segment().returncode == 0
    masks = masks_of(tmp_path / "out")
    turned, upright = masks["turned_mask.png"], np.rot90(masks["a_mask.png"], -1)
    assert turned.shape == upright.shape != masks["a_mask.png"].shape
    assert np.mean(turned != upright) < 0.01


@pytest.mark.usefixtures("pictures")
def test_what_is_done_is_skipped_unless_overwrite(segment, tmp_path):
    assert segment().returncode == 0
    mask = tmp_path / "out" / "a_mask.png"
    mask.write_bytes(b"kept")
    again = segment("--json")
    assert again.returncode == 0
    assert [json.loads(line)["status"] for line in again.stdout.splitlines()] == ["skipped", "skipped"]
    assert json.loads(again.stdout.splitlines()[0])["mask"] == str(mask)
    assert "--overwrite" in again.stderr
    assert mask.read_bytes() == b"kept"
    more = segment("--json", "--overlay")
    assert [json.loads(line)["status"] for line in more.stdout.splitlines()] == ["done", "done"]
    mask.write_bytes(b"replaced")
    assert segment("--overwrite").returncode == 0
    assert cv2.imread(str(mask)) is not None


def test_bad_pictures_are_named_skipped_and_counted(segment, pictures):
    data = (pictures / "a.jpg").read_bytes()
    (pictures / "cut.jpg").write_bytes(data[: len(data) // 2])
    (pictures / "cut.tif").write_bytes(
        cv2.imencode(".tif", np.zeros((50, 60, 3), np.uint8))[1].tobytes()[:-99]
    )
    (pictures / "empty.png").touch()
    (pictures / "text [bold].bmp").write_text("no picture")
    cv2.imwrite(str(pictures / "deep.png"), np.zeros((20, 30, 3), np.uint16))
    answer = segment("--json")
    assert answer.returncode == 1
    records = {Path(record["input"]).name: record for record in map(json.loads, answer.stdout.splitlines())}
    bad = {"cut.jpg", "cut.tif", "empty.png", "text [bold].bmp", "deep.png"}
    assert {name for name, record in records.items() if record["status"] == "failed"} == bad
    assert {name for name, record in records.items() if record["status"] == "done"} == {"a.jpg", "b.jpg"}
    lines = answer.stderr.splitlines()
    for name in bad:
        assert records[name]["error"] in lines
        assert records[name]["error"].startswith(str(pictures / name))
        assert "mask" not in records[name]
    assert len(lines) == len(bad) + 5  # the table, and nothing of OpenCV's own


@pytest.fixture
def one_line(segment):
    """Run `segment`, which must fail with one line, and return that."""

    def run(*arguments, status=1, **places):
        answer = segment(*arguments, **places)
        assert answer.returncode == status, answer.stderr
        assert answer.stdout == ""
        assert answer.stderr.startswith("aernet-trt: ")
        assert answer.stderr.count("\n") == 1
        return answer.stderr

    return run


def test_errors_are_one_line(one_line, pictures, tmp_path):
    (tmp_path / "taken").touch()
    (tmp_path / "none").mkdir()
    assert "holds no picture" in one_line(inputs=[tmp_path / "none"])
    assert f"{tmp_path / 'gone.jpg'}: no such file" in one_line(inputs=[tmp_path / "gone.jpg"])
    assert "taken" in one_line(output=tmp_path / "taken" / "out")
    assert "threshold must be between 0 and 1, both excluded, found 1.0" in one_line("--threshold", "1")
    assert f"{pictures / 'a.jpg'}: expected an ONNX model" in one_line("--model", pictures / "a.jpg")
    assert "nothing: no such model" in one_line("--model", "nothing")
    assert "--keep" in one_line("--keep", "some", status=2)
    assert "No such option" in one_line("--shiny", status=2)
    assert files(tmp_path) == ["pictures/a.jpg", "pictures/sub/b.jpg", "taken"]


def test_usage_errors_are_one_line(command):
    for arguments, part in (
        (("segmnt",), "segmnt"),
        (("--shiny",), "--shiny"),
        (("segment",), "--output"),
        (("segment", "-o", "out"), "INPUT"),
        (("segment", "a.jpg"), "--output"),
    ):
        answer = command(*arguments)
        assert answer.returncode == 2
        assert part in answer.stderr
        assert answer.stderr.count("\n") == 1


def test_debug_shows_the_traceback(command, tmp_path):
    answer = command("--debug", "segment", tmp_path / "gone.jpg", "-o", tmp_path)
    assert answer.returncode == 1
    assert "Traceback" in answer.stderr
    assert "SourceError" in answer.stderr


def test_one_stem_twice(segment, pictures, tmp_path):
    for name in ("a.png", "a.jpg.png", "sub/a.png"):
        cv2.imwrite(str(pictures / name), cv2.imread(str(pictures / "a.jpg"))[::8, ::8])
    assert segment().returncode == 0
    expected = ["a.jpg.png_mask.png", "a.jpg_mask.png", "a.png_mask.png", "sub/a_mask.png", "sub/b_mask.png"]
    masks = masks_of(tmp_path / "out")
    assert list(masks) == expected
    assert masks["a.jpg_mask.png"].shape == cv2.imread(str(pictures / "a.jpg")).shape[:2]
    # Names do not depend on what is there already.
    (tmp_path / "out" / "a.png_mask.png").unlink()
    assert segment().returncode == 0
    assert files(tmp_path / "out") == expected


def test_one_name_in_two_folders(segment, tmp_path, examples):
    for folder, picture in (("x", examples[0]), ("y", examples[1])):
        (tmp_path / folder).mkdir()
        shutil.copy(picture, tmp_path / folder / "a.jpg")
    shutil.copy(examples[2], tmp_path / "x" / "b.jpg")
    assert segment(inputs=[tmp_path / "x", tmp_path / "y"]).returncode == 0
    masks = masks_of(tmp_path / "out")
    assert list(masks) == ["b_mask.png", "x/a_mask.png", "y/a_mask.png"]
    for folder in ("x", "y"):
        shape = cv2.imread(str(tmp_path / folder / "a.jpg")).shape[:2]
        assert masks[f"{folder}/a_mask.png"].shape == shape


def test_a_picture_given_twice_is_one(segment, pictures, tmp_path):
    picture = pictures / "a.jpg"
    answer = segment("--json", inputs=[picture, pictures / "sub" / ".." / "a.jpg", pictures])
    assert len(answer.stdout.splitlines()) == 2
    assert files(tmp_path / "out") == ["a_mask.png", "sub/b_mask.png"]


@pytest.mark.parametrize("below", ["", "out"])
def test_outputs_within_the_input_are_no_pictures(segment, pictures, below):
    output = pictures / below
    for status in ("done", "skipped"):
        answer = segment("--json", "--overlay", output=output)
        assert answer.returncode == 0
        assert [json.loads(line)["status"] for line in answer.stdout.splitlines()] == [status, status]
    assert len(files(pictures)) == 6


def test_no_picture_is_overwritten_by_a_mask(one_line, pictures):
    shutil.copy(pictures / "a.jpg", pictures / "a_mask.png")
    before = (pictures / "a_mask.png").read_bytes()
    line = one_line("--overwrite", inputs=[pictures / "a.jpg", pictures / "a_mask.png"], output=pictures)
    assert str(pictures / "a_mask.png") in line
    assert (pictures / "a_mask.png").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_interrupted_in_the_middle(start, model, examples, tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(300):
        shutil.copy(examples[number % len(examples)], tmp_path / "pictures" / f"{number:03}.jpg")
    out = tmp_path / "out"
    with start(
        "segment", tmp_path / "pictures", "-o", out, "--model", model, "--overlay", "--contours"
    ) as process:
        end = time.monotonic() + 60
        while len(list(out.glob("*_contours.json"))) < 3:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "aernet-trt: interrupted; all finished outputs are complete\n"
    written = [path for path in out.rglob("*") if path.is_file() and path.name != JOURNAL]
    assert 9 <= len(written) < 900
    for path in written:
        assert path.name.endswith(("_mask.png", "_overlay.jpg", "_contours.json")), path
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        else:
            assert path.read_bytes().endswith(b"IEND\xaeB`\x82" if path.suffix == ".png" else b"\xff\xd9")
            assert cv2.imread(str(path)) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals as POSIX has them")
def test_json_goes_to_stdout_while_the_bar_goes_to_a_terminal(pictures, model, tmp_path):
    import subprocess

    master, terminal = pty.openpty()
    command = [sys.executable, "-c", "from aernet.cli import main; main()", "segment", pictures, "--json"]
    with subprocess.Popen(
        [*command, "-o", tmp_path / "out", "--model", model],
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        stdout = process.stdout.read()
    os.close(master)
    assert [json.loads(line)["status"] for line in stdout.splitlines()] == ["done", "done"]
    assert b"Segmenting" in shown
    assert b'"status"' not in shown
