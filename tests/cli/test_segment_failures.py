"""What of a run of `segment` fails by itself, and what stops it."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path

import pytest
from segment_answers import counts, files, film, records, statuses

from aernet.archive import one_picture, segmenting


def test_an_input_that_failed_is_named_once(segment, tmp_path, monkeypatch):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"any")
    monkeypatch.setitem(sys.modules, "av", None)
    answer = segment(film)
    assert answer.exit_code == 1
    assert answer.stderr.splitlines()[0] == f"{film}: needs PyAV; pip install 'aernet[video]'"


def test_an_input_that_is_not_there_fails_by_itself(segment, pictures, tmp_path):
    answer = segment(
        tmp_path / "gone.jpg", pictures / "a.jpg", tmp_path / "no*.png", "ftp://host/f.jpg", "--json"
    )
    assert answer.exit_code == 1
    failed = dict.fromkeys(("gone.jpg", "no*.png", "f.jpg"), "failed")
    assert statuses(answer) == {"a.jpg": "done", **failed}
    assert files(tmp_path / "out") == ["a_mask.png"]
    assert f"{tmp_path / 'gone.jpg'}: no such file or folder" in answer.stderr.splitlines()


def test_all_inputs_that_are_not_there_are_named(segment, tmp_path):
    answer = segment(tmp_path / "gone.jpg", tmp_path / "lost.jpg")
    assert answer.exit_code == 1
    assert [line.rpartition("/")[2] for line in answer.stderr.splitlines()] == [
        "gone.jpg: no such file or folder",
        "lost.jpg: no such file or folder",
    ]


def test_a_folder_of_nothing_to_segment_is_an_error_that_says_what_it_holds(segment, tmp_path, pictures):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.pdf").touch()
    answer = segment(tmp_path / "other", "--json")
    assert answer.exit_code == 1
    assert [record["status"] for record in records(answer)] == ["left out", "left out"]
    assert "holds no picture and no video" in answer.stderr
    assert answer.stderr.endswith("; it holds 1 PDF file\n")
    answer = segment(tmp_path / "other", pictures)
    assert answer.exit_code == 0, answer.output
    assert "left out: 1 folder without pictures" in answer.stderr


def test_a_name_that_is_too_long_fails_by_itself_and_one_that_just_fits_does_not(segment, pictures):
    shutil.copy(pictures / "a.jpg", pictures / ("x" * 236 + ".jpg"))  # 245 bytes with _mask.png
    shutil.copy(pictures / "a.jpg", pictures / ("y" * 251 + ".jpg"))
    answer = segment(pictures, "--json")
    assert answer.exit_code == 1
    assert statuses(answer) == {
        "a.jpg": "done",
        "b.jpg": "done",
        "c.jpg": "done",
        "x" * 236 + ".jpg": "done",
        "y" * 251 + ".jpg": "failed",
    }
    (error,) = (record["error"] for record in records(answer) if record["status"] == "failed")
    assert error.startswith(str(pictures / "yyy"))
    assert "too long" in error
    assert error.endswith("give it a shorter name")
    assert counts(answer) == ["5", "4", "0", "1", "0", "0"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_is_told_once_and_stops_the_run(segment, pictures, tmp_path, monkeypatch, code):
    write = Path.write_bytes

    def refuse(path, data):
        if list((tmp_path / "out").glob("*_mask.png")):
            write(path, data[:10])
            raise OSError(code, os.strerror(code), str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    answer = segment(pictures, "--json", "--jobs", 1)
    assert answer.exit_code == 1
    assert statuses(answer) == {"a.jpg": "done"}
    assert answer.stderr == (
        f"aernet-trt: {tmp_path}/out/b_mask.png: cannot be written ({os.strerror(code)});"
        " stopped after 1 of 3 inputs, as all would fail\n"
    )
    assert files(tmp_path / "out") == ["a_mask.png"]


def test_an_output_folder_that_cannot_be_written_is_told_once(segment, pictures, tmp_path):
    (tmp_path / "taken").touch()
    answer = segment(pictures, output=tmp_path / "taken" / "out")
    assert answer.exit_code == 1
    taken = f"{tmp_path}/taken is a file, not a folder"
    assert answer.stderr == f"aernet-trt: {tmp_path}/taken/out: cannot be written ({taken})\n"


def test_one_subfolder_that_cannot_be_written_fails_alone(segment, pictures, tmp_path):
    (pictures / "sub").mkdir()
    shutil.copy(pictures / "a.jpg", pictures / "sub" / "d.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").touch()
    answer = segment(pictures, "--json")
    assert answer.exit_code == 1
    assert statuses(answer) == {"a.jpg": "done", "b.jpg": "done", "c.jpg": "done", "d.jpg": "failed"}


@pytest.mark.parametrize("error", [MemoryError(), PermissionError(13, "Permission denied")])
def test_a_picture_that_takes_too_much_or_cannot_be_read_fails_alone(segment, pictures, monkeypatch, error):
    read = one_picture.read_picture

    def refuse(path):
        if path.name == "b.jpg":
            raise error
        return read(path)

    monkeypatch.setattr(one_picture, "read_picture", refuse)
    answer = segment(pictures, "--json")
    assert answer.exit_code == 1
    assert statuses(answer) == {"a.jpg": "done", "b.jpg": "failed", "c.jpg": "done"}
    assert f"{pictures}/b.jpg: " in answer.stderr


def test_a_device_that_does_not_exist_is_an_error(segment, pictures):
    answer = segment(pictures, "--device", "tpu")
    assert answer.exit_code == 1
    assert "tpu" in answer.stderr
    assert segment(pictures, "--device", "cpu").exit_code == 0


def test_damage_that_a_film_tells_is_counted_apart(segment, pictures, monkeypatch):
    film(pictures / "d.avi")
    facts = {"status": "damaged", "error": f"{pictures}/d.avi: frame 2 is damaged"}
    monkeypatch.setattr(segmenting, "segment_video", lambda *_, **__: facts)
    answer = segment(pictures, "--json")
    assert answer.exit_code == 1
    assert statuses(answer)["d.avi"] == "damaged"
    assert counts(answer) == ["4", "3", "0", "0", "1", "0"]
    assert f"{pictures}/d.avi: frame 2 is damaged" in answer.stderr.splitlines()
