"""What `segment` does with many files, some of them bad."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from aernet import Segmenter
from aernet.archive import one_picture, segmenting
from aernet.archive.journal import JOURNAL
from aernet.cli.app import app


@pytest.fixture
def segment(model, tmp_path):
    """Run `segment` within this process, into tmp_path/out."""

    def run(*arguments, output=tmp_path / "out", model=model):
        words = ["segment", *arguments, "-o", output, "--model", model]
        return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)

    return run


@pytest.fixture
def pictures(tmp_path, examples):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, example in zip(("a.jpg", "b.jpg", "c.jpg"), examples, strict=False):
        shutil.copy(example, folder / name)
    return folder


def records(answer):
    return [json.loads(line) for line in answer.stdout.splitlines()]


def statuses(answer):
    return {Path(record["input"]).name: record["status"] for record in records(answer)}


def files(folder):
    """All files but the journal."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def counts(answer):
    return [cell.strip() for cell in answer.stderr.splitlines()[-2].split("│")[1:7]]


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


def test_what_is_left_out_is_told_and_listed(segment, pictures):
    for name in ("x.pdf", "y.pdf", "notes.txt", ".hidden.txt"):
        (pictures / name).touch()
    if sys.platform != "win32":
        (pictures / "gone").symlink_to("nowhere")
    answer = segment(pictures, "--json")
    assert answer.exit_code == 0, answer.output
    expected = dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), "done")
    expected |= dict.fromkeys(("x.pdf", "y.pdf", "notes.txt"), "left out")
    assert statuses(answer) == expected | ({} if sys.platform == "win32" else {"gone": "left out"})
    assert all(record["reason"] for record in records(answer) if record["status"] == "left out")
    lines = answer.stderr.splitlines()
    reason = "PDF is not read; export it as PNG or JPEG"
    assert f"left out: 2 PDF files, such as {pictures}/x.pdf: {reason}" in lines
    assert any(line.startswith(f"left out: 1 .txt file, {pictures}/notes.txt: ") for line in lines)
    assert counts(answer)[:5] == ["3", "3", "0", "0", "0"]
    assert counts(answer)[5] == str(len(records(answer)) - 3)


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


def film(path):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(cv2.circle(np.full((48, 64, 3), 220, np.uint8), (30, 20), 9, (20, 30, 60), cv2.FILLED))
    writer.release()


def test_films_in_a_folder_are_segmented_and_their_outputs_are_no_inputs(segment, pictures):
    film(pictures / "a.avi")
    for status in ("done", "skipped"):
        answer = segment(pictures, "--json", "--overlay", output=pictures / "out")
        assert answer.exit_code == 0, answer.output
        assert statuses(answer) == dict.fromkeys(("a.jpg", "a.avi", "b.jpg", "c.jpg"), status)
    assert {"a_mask.png", "a_track.csv", "a_overlay.mp4", "a_masks/000002.png"} <= set(
        files(pictures / "out")
    )
    other = segment(pictures, "--json", output=pictures)
    assert statuses(other)["a.avi"] == "done"


def test_a_record_of_a_picture_holds_its_measurements(segment, pictures):
    answer = segment(pictures / "a.jpg", "--json", "--contours", model="aernet")
    (record,) = records(answer)
    with Segmenter() as segmenter:
        expected = segmenter(cv2.imread(str(pictures / "a.jpg")))
    assert record["area_px"] == np.count_nonzero(expected.mask)
    rows, columns = np.nonzero(expected.mask)
    assert record["centroid_px_x"] == pytest.approx(columns.mean(), rel=1e-5)
    assert record["centroid_px_y"] == pytest.approx(rows.mean(), rel=1e-5)
    assert record["longest_diameter_px"] > record["equivalent_diameter_px"] > 0
    assert record["expected_dice"] == pytest.approx(expected.expected_dice, abs=1e-4)
    assert record["needs_review"] is expected.needs_review
    assert (record["model"], record["threshold"]) == ("aernet", expected.threshold)
    contours = json.loads(Path(record["contours"]).read_text(encoding="utf-8"))
    assert {key: contours[key] for key in ("area_px", "expected_dice", "needs_review")} == {
        key: record[key] for key in ("area_px", "expected_dice", "needs_review")
    }


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


def test_a_glob_that_no_shell_has_expanded(segment, pictures, tmp_path):
    (pictures / "d.txt").touch()
    answer = segment(pictures / "[ab].j*", "--json")
    assert statuses(answer) == {"a.jpg": "done", "b.jpg": "done"}
    shutil.copy(pictures / "a.jpg", pictures / "[c].jpg")
    assert statuses(segment(pictures / "[c].jpg", "--json")) == {"[c].jpg": "done"}
    answer = segment(pictures / "*.gif")
    assert answer.exit_code == 1
    assert answer.stderr == f"aernet-trt: {pictures}/*.gif: no file matches\n"
    assert files(tmp_path / "out") == ["[c]_mask.png", "a_mask.png", "b_mask.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links as POSIX has them")
def test_a_file_and_links_to_it_are_one(segment, pictures, tmp_path):
    (tmp_path / "link.jpg").symlink_to(pictures / "a.jpg")
    for inputs in ((tmp_path / "link.jpg", pictures / "a.jpg"), (pictures / "a.jpg", tmp_path / "link.jpg")):
        answer = segment(*inputs, "--json", "--overwrite")
        assert statuses(answer) == {"a.jpg": "done", "link.jpg": "left out"}
    assert files(tmp_path / "out") == ["a_mask.png"]


def test_a_picture_on_the_standard_input(model, pictures, tmp_path):
    program = [sys.executable, "-c", "from aernet.cli import main; main()", "segment", "-"]
    words = [*program, "-o", tmp_path / "out", "--model", model, "--json"]
    data = (pictures / "a.jpg").read_bytes()
    answer = subprocess.run(list(map(str, words)), input=data, capture_output=True, check=True)
    (record,) = map(json.loads, answer.stdout.splitlines())
    assert (record["input"], record["status"]) == ("stdin", "done")
    assert files(tmp_path / "out") == ["stdin_mask.png"]
    with Segmenter(model) as segmenter:
        expected = segmenter(cv2.imread(str(pictures / "a.jpg"))).mask
    found = cv2.imread(str(tmp_path / "out" / "stdin_mask.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, expected)
    words.append("--overwrite")
    answer = subprocess.run(list(map(str, words)), input=b"", capture_output=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr.startswith(b"stdin: the file is empty")


@pytest.mark.skipif(sys.platform == "win32", reason="no shell closes it there")
def test_a_standard_input_that_is_closed_is_told(model, tmp_path):
    program = f"'{sys.executable}' -c 'from aernet.cli import main; main()'"
    command = f"{program} segment - -o '{tmp_path / 'out'}' --model '{model}' <&-"
    answer = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr.startswith(b"stdin: is closed")


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


def test_experts_masks_beside_their_pictures_are_no_pictures(segment, pictures, tmp_path):
    for name in ("a_segmentation.png", "c_Segmentation.png", "other_segmentation.png"):
        cv2.imwrite(str(pictures / name), np.zeros((40, 50), np.uint8))
    answer = segment(pictures, "--json")
    assert answer.exit_code == 0, answer.output
    assert [name for name, status in statuses(answer).items() if status == "left out"] == [
        "a_segmentation.png",
        "c_Segmentation.png",
    ]
    assert "left out: 2 expert masks, such as" in answer.stderr
    assert "other_segmentation_mask.png" in files(tmp_path / "out")


def test_the_outputs_of_another_input_are_not_replaced(segment, pictures, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(pictures / "b.jpg", other / "a.jpg")
    mask = tmp_path / "out" / "a_mask.png"
    assert segment(pictures / "a.jpg").exit_code == 0
    made = mask.read_bytes()
    answer = segment(other / "a.jpg", "--json")
    assert (answer.exit_code, list(statuses(answer).values())) == (1, ["failed"])
    assert f"{other}/a.jpg: {mask} is of another picture, {pictures}/a.jpg; choose" in answer.stderr
    assert mask.read_bytes() == made
    assert set(statuses(segment(pictures / "a.jpg", "--json")).values()) == {"skipped"}
    assert segment(other / "a.jpg", "--overwrite").exit_code == 0
    assert mask.read_bytes() != made
    assert set(statuses(segment(other / "a.jpg", "--json")).values()) == {"skipped"}
    (tmp_path / "out" / JOURNAL).unlink()
    answer = segment(other / "a.jpg", "--json")
    assert (answer.exit_code, list(statuses(answer).values())) == (1, ["failed"])
    assert f"{mask} exists already, and {JOURNAL} does not say what it is of; choose" in answer.stderr


def test_a_film_that_lost_masks_or_has_other_settings_is_done_again(segment, tmp_path):
    film(tmp_path / "d.avi")
    masks = tmp_path / "out" / "d_masks"
    for lost in (masks / "000001.png", masks):
        assert segment(tmp_path / "d.avi", "--overlay").exit_code == 0
        assert len(list(masks.glob("*.png"))) == 3
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    answer = segment(tmp_path / "d.avi", "--json")
    assert [record["status"] for record in records(answer)] == ["done"]
    assert len(list(masks.glob("*.png"))) == 3
    assert (tmp_path / "out" / "d_overlay.mp4").is_file()
    before = (masks / "000000.png").read_bytes()
    answer = segment(tmp_path / "d.avi", "--json", "--threshold", "0.9999")
    assert answer.exit_code == 0
    assert records(answer)[0]["again"] == "threshold was 0.4, is now 0.9999"
    assert (masks / "000000.png").read_bytes() != before
    assert not (tmp_path / "out" / "d_overlay.mp4").exists()  # which would show the old masks
    answer = segment(tmp_path / "d.avi", "--json", "--threshold", "0.9999")
    assert [record["status"] for record in records(answer)] == ["skipped"]


def test_outputs_of_an_earlier_run_are_not_segmented(segment, pictures):
    film(pictures / "d.avi")
    first, second = pictures / "first", pictures / "second"
    for _ in range(2):
        answer = segment(pictures, "--overlay", "--json", output=first)
        assert answer.exit_code == 0, answer.output
        assert set(statuses(answer)) == {"a.jpg", "b.jpg", "c.jpg", "d.avi"}
    made = {path.name for path in first.rglob("*") if path.is_file()}
    shown = [name for name in made if name.endswith((".png", ".jpg", ".mp4"))]
    answer = segment(pictures, "--json", output=second)
    assert answer.exit_code == 0, answer.output
    told = [record for record in records(answer) if record["status"] == "left out"]
    assert {Path(record["input"]).name for record in told} == made
    assert {name for name, status in statuses(answer).items() if status == "done"} == {
        "a.jpg",
        "b.jpg",
        "c.jpg",
        "d.avi",
    }
    assert f"left out: {len(shown)} earlier outputs, such as" in answer.stderr


def test_a_picture_that_is_called_like_an_output_is_told(segment, pictures):
    shutil.copy(pictures / "a.jpg", pictures / "photo_mask.jpg")
    shutil.copy(pictures / "a.jpg", pictures / "photo_overlay.jpg")
    (pictures / "user_masks").mkdir()
    shutil.copy(pictures / "a.jpg", pictures / "user_masks" / "x.jpg")
    answer = segment(pictures, "--json", output=pictures)
    assert answer.exit_code == 0, answer.output
    assert [name for name, status in statuses(answer).items() if status == "left out"] == [
        "photo_overlay.jpg",
        "x.jpg",
    ]
    assert "left out: 2 possible outputs, such as" in answer.stderr
    assert (pictures / "photo_mask_mask.png").is_file()
    answer = segment(pictures, "--json", output=pictures)
    assert [name for name, status in statuses(answer).items() if status == "left out"] == [
        "photo_overlay.jpg",
        "x.jpg",
    ]


def test_damage_that_a_film_tells_is_counted_apart(segment, pictures, monkeypatch):
    film(pictures / "d.avi")
    facts = {"status": "damaged", "error": f"{pictures}/d.avi: frame 2 is damaged"}
    monkeypatch.setattr(segmenting, "segment_video", lambda *_, **__: facts)
    answer = segment(pictures, "--json")
    assert answer.exit_code == 1
    assert statuses(answer)["d.avi"] == "damaged"
    assert counts(answer) == ["4", "3", "0", "0", "1", "0"]
    assert f"{pictures}/d.avi: frame 2 is damaged" in answer.stderr.splitlines()
