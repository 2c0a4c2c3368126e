"""What a second run into a folder does."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from unittest import mock

import cv2
import numpy as np
import pytest

from aernet.archive.journal import JOURNAL, Journal


def statuses(rows):
    return dict(Counter(row["status"] for row in rows))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--threshold", "0.9"], "threshold was 0.4, is now 0.9"),
        (["--keep", "largest"], "keep was all, is now largest"),
        (["--contours"], "contours had not been asked for"),
        (["--overlay", "--contours"], "contours and overlay had not been asked for"),
    ],
)
def test_other_options_make_the_outputs_again_and_the_summary_says_why(
    segment, content, tmp_path, options, reason
):
    assert segment()[0].exit_code == 0
    answer, rows = segment(*options)
    assert answer.exit_code == 0
    assert {row["again"] for row in rows} == {reason}
    assert f"done again: 12 inputs: {reason}" in answer.stderr.splitlines()
    segment(*options, output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")
    assert statuses(segment(*options)[1]) == {"skipped": 12}


def test_another_model_of_the_same_name_makes_the_outputs_again(segment, content, write_model, tmp_path):
    segment()
    other = write_model(tmp_path / "dark.onnx", bias=13.0)
    _, rows = segment(model=other)
    assert statuses(rows) == {"done": 12}
    assert all(row["again"].startswith("model was dark 1.2 (sha256 ") for row in rows)
    segment(model=other, output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_border_is_a_threshold(segment):
    segment(model="aernet")
    assert statuses(segment("--border", "isic", model="aernet")[1]) == {"skipped": 12}
    _, rows = segment("--border", "wide", model="aernet")
    assert all(row["again"].startswith("threshold was ") for row in rows)


def test_outputs_that_are_not_asked_for_stay_as_long_as_they_go_with_the_masks(segment, tmp_path):
    segment("--overlay")
    assert statuses(segment()[1]) == {"skipped": 12}
    assert statuses(segment("--contours")[1]) == {"done": 12}
    assert statuses(segment("--overlay")[1]) == {"skipped": 12}
    segment("--threshold", "0.9")
    assert not list((tmp_path / "out").glob("*_overlay.jpg"))
    assert statuses(segment("--threshold", "0.9")[1]) == {"skipped": 12}


def test_a_file_that_no_run_has_written_is_not_replaced(segment, tmp_path):
    drawn_by_hand = tmp_path / "out" / "00_overlay.jpg"
    segment()
    drawn_by_hand.write_bytes(b"drawn by hand")
    answer, rows = segment("--overlay")
    assert answer.exit_code == 1
    assert statuses(rows) == {"failed": 1, "done": 11}
    assert f"00_overlay.jpg exists already, and {JOURNAL} does not say what it is of" in rows[0]["error"]
    assert drawn_by_hand.read_bytes() == b"drawn by hand"
    assert statuses(segment("--overlay", "--overwrite")[1]) == {"done": 12}
    assert drawn_by_hand.read_bytes() != b"drawn by hand"


def begin(output, name, **changes):
    """Leave an input as a run does that is killed while it writes the outputs."""
    journal = Journal(output)
    journal.write(name, replace(journal.entry(name), facts={}, done=False, **changes))
    journal.close()


def test_outputs_that_are_not_asked_for_stay_although_a_run_was_killed(segment, content, tmp_path):
    segment("--overlay", "--table", tmp_path / "quiet.csv")
    begin(tmp_path / "out", "00_mask.png", kinds=frozenset({"mask", "overlay", "contours"}))
    assert statuses(segment("--contours")[1]) == {"done": 12}
    segment("--overlay", "--contours", output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")
    segment("--table", tmp_path / "later.csv")
    assert (tmp_path / "later.csv").read_bytes() == (tmp_path / "quiet.csv").read_bytes()


def test_what_a_killed_run_left_of_a_file_of_the_whole_run_is_removed(segment, tmp_path):
    (tmp_path / "out").mkdir()
    remnant = tmp_path / "out" / ".0123456789abcdef.json"
    remnant.write_text("[")
    segment("--format", "coco")
    assert not remnant.exists()


def test_outputs_of_other_settings_go_although_a_run_was_killed(segment, content, tmp_path, monkeypatch):
    segment("--overlay")
    with monkeypatch.context() as patch:
        patch.setattr("aernet.archive.segmenting.remove", mock.Mock(side_effect=KeyboardInterrupt))
        segment("--threshold", "0.9", "--jobs", 1)
    segment("--threshold", "0.9")
    segment("--threshold", "0.9", output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_picture_is_known_by_its_content(segment, pictures, tmp_path):
    segment()
    os.utime(pictures / "00.png", (1, 1))
    assert statuses(segment()[1]) == {"skipped": 12}
    cv2.imwrite(str(pictures / "03.png"), np.full((60, 80, 3), 20, np.uint8))
    answer, rows = segment()
    assert [(row["input"], row["again"]) for row in rows if row["status"] == "done"] == [
        (str(pictures / "03.png"), "its content has changed")
    ]
    assert "done again: 1 input: its content has changed" in answer.stderr
    shutil.move(pictures, tmp_path / "moved")
    assert statuses(segment(inputs=[tmp_path / "moved"])[1]) == {"skipped": 12}


def test_pictures_of_one_size_and_time_that_change_places_are_segmented_anew(segment, content, tmp_path):
    """Uncompressed ones have one size, and cameras whose clock has stopped give them one time."""
    folder = tmp_path / "camera"
    folder.mkdir()
    for number, column in enumerate((25, 55)):
        skin = np.full((60, 80, 3), 220, np.uint8)
        cv2.circle(skin, (column, 30), 12, (60, 60, 60), cv2.FILLED)
        cv2.imwrite(str(folder / f"{number}.bmp"), skin)
        os.utime(folder / f"{number}.bmp", (1, 1))
    segment(inputs=[folder])
    for old, new in (("0", "x"), ("1", "0"), ("x", "1")):
        (folder / f"{old}.bmp").rename(folder / f"{new}.bmp")
    _, rows = segment(inputs=[folder])
    assert [row.get("again") for row in rows] == ["its content has changed"] * 2
    segment(inputs=[folder], output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")
    assert len(set(content(tmp_path / "out").values())) == 2


def test_a_film_that_changes_in_its_middle_alone_is_segmented_anew(segment, content, tmp_path):
    """Uncompressed films have one size, and many begin and end in black."""
    folder = tmp_path / "films"
    folder.mkdir()

    def write(radius):
        skin = np.full((180, 320, 3), 220, np.uint8)
        lesion = cv2.circle(skin.copy(), (160, 90), radius, (60, 60, 60), cv2.FILLED)
        with (folder / "film.y4m").open("wb") as film:
            film.write(b"YUV4MPEG2 W320 H180 F25:1 C420jpeg\n")
            for picture in [skin] * 13 + [lesion] + [skin] * 13:
                film.write(b"FRAME\n" + cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())

    write(20)
    segment(inputs=[folder])
    write(60)
    _, rows = segment(inputs=[folder])
    assert [row.get("again") for row in rows] == ["its content has changed"]
    segment(inputs=[folder], output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_an_output_that_is_gone_or_empty_is_made_again(segment, tmp_path):
    segment()
    (tmp_path / "out" / "00_mask.png").unlink()
    (tmp_path / "out" / "01_mask.png").write_bytes(b"")  # as a failure of power may leave it
    _, rows = segment()
    assert [row["status"] for row in rows[:3]] == ["done", "done", "skipped"]
    assert rows[0]["again"] == "outputs were no longer there"


def test_two_runs_at_once_are_refused(segment, tmp_path):
    journal = Journal(tmp_path / "out")
    answer, _ = segment()
    assert answer.exit_code == 1
    assert answer.stderr == (
        f"aernet-trt: {tmp_path}/out: another run writes into this folder; wait until it has ended, or choose"
        " another --output\n"
    )
    journal.close()
    assert segment()[0].exit_code == 0


def test_a_journal_that_is_none_is_told_in_one_line(segment, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOURNAL).write_bytes(b"no database, but longer than its header is" * 10)
    answer, _ = segment()
    assert answer.exit_code == 1
    assert answer.stderr.count("\n") == 1
    assert f"{tmp_path}/out/{JOURNAL}: the journal of what is done cannot be kept (file is" in answer.stderr


@pytest.mark.parametrize(
    "damage", ["UPDATE inputs SET settings = '{'", "ALTER TABLE inputs ADD COLUMN of_a_newer_version"]
)
def test_a_journal_with_other_rows_is_told_in_one_line(segment, tmp_path, damage):
    segment()
    with closing(sqlite3.connect(tmp_path / "out" / JOURNAL)) as database, database:
        database.execute(damage)
    answer, _ = segment()
    assert answer.exit_code == 1
    assert f"{tmp_path}/out/{JOURNAL}: the journal of what is done cannot be kept (" in answer.stderr


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_in_one_line(segment, tmp_path):
    (tmp_path / "out").mkdir(0o500)
    answer, _ = segment()
    assert answer.exit_code == 1
    assert answer.stderr.count("\n") == 1
    assert "cannot be kept (unable to open database file)" in answer.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_killed_at_any_moment_the_next_run_makes_what_is_missing_and_nothing_twice(
    start, model, segment, content, pictures, tmp_path, request
):
    for number in range(12, 240):
        shutil.copy(pictures / f"{number % 12:02}.png", pictures / f"{number:03}.png")
    out, options = tmp_path / "out", ["--overlay", "--contours", "--table", tmp_path / "table.csv"]
    chance = random.Random(1)
    done = 0
    for _ in range(request.config.getoption("--kills")):
        with start("segment", pictures, "-o", out, "--model", model, *options) as process:
            while process.poll() is None and len(list(out.glob("*_contours.json"))) <= done:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
        journal = sqlite3.connect(out / JOURNAL)
        ((known,),) = journal.execute("SELECT count(*) FROM inputs WHERE done")
        journal.close()
        assert known >= done
        done = known
    assert 0 < done < 240
    answer, rows = segment(*options)
    assert answer.exit_code == 0, answer.output
    assert statuses(rows) == {"skipped": done, "done": 240 - done}
    table = (tmp_path / "table.csv").read_text()
    segment(*options, output=tmp_path / "fresh")
    assert content(out) == content(tmp_path / "fresh")
    assert table.replace(str(out), "") == (tmp_path / "table.csv").read_text().replace(
        str(tmp_path / "fresh"), ""
    )
