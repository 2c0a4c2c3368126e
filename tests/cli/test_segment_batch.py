"""Which of many inputs `segment` takes, and what it tells of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from segment_answers import counts, files, film, records, statuses

from aernet import Segmenter
from aernet.archive.journal import JOURNAL


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
