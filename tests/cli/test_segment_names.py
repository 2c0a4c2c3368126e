"""What `segment` calls its outputs, and how it shows the names of its inputs."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest
from segment_answers import files, film


@pytest.mark.parametrize("order", [1, -1])
def test_names_do_not_depend_on_the_order_of_the_inputs(segment, pictures, tmp_path, order):
    (pictures / "sub").mkdir()
    shutil.copy(pictures / "a.jpg", pictures / "sub" / "d.jpg")
    shutil.copy(pictures / "a.jpg", pictures / "sub" / "a.jpg")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(pictures / "a.jpg", other / "a.jpg")
    shutil.copy(pictures / "a.jpg", other / "a.jpeg")
    inputs = [pictures / "sub", pictures, other, pictures / "b.jpg"][::order]
    answer = segment(*inputs)
    assert answer.exit_code == 0, answer.output
    assert files(tmp_path / "out") == [
        "a.jpeg_mask.png",
        "b_mask.png",
        "c_mask.png",
        "other/a_mask.png",
        "pictures/a_mask.png",
        "sub/a_mask.png",
        "sub/d_mask.png",
    ]


def test_a_picture_and_a_film_of_one_name_keep_it(segment, pictures, tmp_path):
    film(pictures / "a.avi")
    assert segment(pictures).exit_code == 0
    assert {"a_mask.png", "a_track.csv"} <= set(files(tmp_path / "out"))


def test_where_capitals_do_not_count_names_that_differ_by_them_are_refused(
    segment, pictures, monkeypatch, tmp_path
):
    shutil.copy(pictures / "b.jpg", pictures / "A.png")
    assert segment(pictures, output=tmp_path / "one").exit_code == 0
    assert {"A_mask.png", "a_mask.png"} <= set(files(tmp_path / "one"))
    monkeypatch.setattr("aernet.archive.outputs._takes_capitals_for_small", lambda _: True)
    assert segment(pictures, output=tmp_path / "two").exit_code == 0
    assert files(tmp_path / "two") == ["A.png_mask.png", "a.jpg_mask.png", "b_mask.png", "c_mask.png"]
    (pictures / "A.png").rename(pictures / "A.JPG")
    answer = segment(pictures, output=tmp_path / "three")
    assert answer.exit_code == 1
    assert f"{pictures}/A.JPG and {pictures}/a.jpg: " in answer.stderr
    assert not (tmp_path / "three").exists()


def test_no_output_is_written_over_an_input(segment, pictures):
    shutil.copy(pictures / "b.jpg", pictures / "a_overlay.jpg")
    film(pictures / "f.avi")
    (pictures / "f_masks").mkdir()
    shutil.copy(pictures / "b.jpg", pictures / "f_masks" / "000000.png")
    before = {name: (pictures / name).read_bytes() for name in files(pictures)}
    for inputs in (("a.jpg", "a_overlay.jpg"), ("f.avi", "f_masks/000000.png")):
        answer = segment(*(pictures / name for name in inputs), "--overlay", "--overwrite", output=pictures)
        assert answer.exit_code == 1
        assert "would be overwritten by" in answer.stderr
    assert before == {name: (pictures / name).read_bytes() for name in files(pictures)}


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are bytes on Linux alone")
def test_names_that_are_no_utf_8_or_not_one_line(command, model, pictures, tmp_path):
    for name in (b"L\xe4sion.jpg", b"two\nlines.jpg"):
        shutil.copy(pictures / "a.jpg", pictures / os.fsdecode(name))
    for name in (b"bad\xff.png", b"bad\n\x1b[31m.png"):
        (pictures / os.fsdecode(name)).write_bytes(b"no picture")
    answer = command("segment", pictures, "-o", tmp_path / "out", "--model", model, "--json")
    assert answer.returncode == 1
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(found) == 7
    for record in found:
        assert os.path.exists(os.fsencode(record["input"]))  # noqa: PTH110 - as bytes
    assert (tmp_path / "out" / os.fsdecode(b"L\xe4sion_mask.png")).is_file()
    assert (tmp_path / "out" / "two\nlines_mask.png").is_file()
    assert "\x1b" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 2 + 5


def test_a_name_is_no_markup_and_no_emoji(segment, pictures):
    for name in (":smile:.jpg", "[red]a.jpg"):
        (pictures / name).write_bytes(b"no picture")
    answer = segment(pictures)
    assert answer.exit_code == 1
    assert f"{pictures}/:smile:.jpg: expected a picture" in answer.stderr
    assert f"{pictures}/[red]a.jpg: expected a picture" in answer.stderr
