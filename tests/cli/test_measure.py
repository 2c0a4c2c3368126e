"""`measure`: tables, JSON and figures of pictures, with masks of a model or given ones."""

from __future__ import annotations

import csv
import json
import os
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from aernet import Segmenter
from aernet.cli.app import app
from aernet.cli.measure_table import COLUMNS
from aernet.measure import measure_mask
from aernet.pictures import read_picture


@pytest.fixture
def measure():
    """Run `measure` within this process."""

    def run(*arguments):
        return CliRunner().invoke(app, ["measure", *map(str, arguments)], catch_exceptions=False)

    return run


@pytest.fixture
def pictures(tmp_path, examples):
    folder = tmp_path / "pictures of a patient"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(examples[0], folder / "a.jpg")
    shutil.copy(examples[1], folder / "sub" / "b.jpg")
    return folder


def table_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_has_the_measurements_of_each_picture(measure, pictures, tmp_path):
    table = tmp_path / "new" / "table.csv"
    answer = measure(pictures, "--table", table, "--mm-per-pixel", "0.02")
    assert (answer.exit_code, answer.stdout) == (0, "")
    rows = table_of(table)
    assert [row["file"] for row in rows] == ["a.jpg", "b.jpg"]
    with Segmenter() as segmenter:
        for row, path in zip(rows, (pictures / "a.jpg", pictures / "sub" / "b.jpg"), strict=True):
            assert tuple(row) == COLUMNS
            result = segmenter(read_picture(path))
            for name, value in result.row(0.02).items():
                expected = "" if value is None else str(value)
                assert row[name] == expected, name
            assert (row["status"], row["model"]) == ("measured", "aernet")
            assert float(row["longest_diameter_mm"]) == pytest.approx(
                0.02 * float(row["longest_diameter_px"]), rel=1e-4
            )
    assert list(table.parent.iterdir()) == [table]


def test_json_has_what_the_table_has_and_no_more_of_the_source_than_its_name(measure, pictures, tmp_path):
    broken = pictures / "broken.jpg"
    broken.write_bytes(b"no picture")
    table = tmp_path / "table.csv"
    answer = measure(pictures, "--json", "--table", table)
    assert answer.exit_code == 1
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(row["file"], row["status"]) for row in told] == [
        ("a.jpg", "measured"),
        ("broken.jpg", "failed"),
        ("b.jpg", "measured"),
    ]
    assert tuple(told[0]) == COLUMNS
    assert told[1]["error"].startswith("broken.jpg: ")
    assert answer.stderr.count(f"{broken}: ") == 1
    assert "patient" not in answer.stdout + table.read_text(encoding="utf-8")
    rows = table_of(table)
    assert {name for name, value in rows[1].items() if value} == {"file", "status"}
    assert (rows[0]["area_mm2"], rows[0]["area_px"]) == ("", str(told[0]["area_px"]))


def test_given_masks_are_measured_instead_of_the_model_s(measure, pictures, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    mask = np.zeros(cv2.imread(str(pictures / "a.jpg")).shape[:2], np.uint8)
    mask[100:200, 100:260] = 255
    mask[300:320, 300:320] = 255
    cv2.imwrite(str(masks / "a_expert.png"), mask)
    arguments = (pictures / "a.jpg", "--masks", masks, "--mask-suffix", "_expert", "--json")
    row = json.loads(measure(*arguments).stdout)
    expected = measure_mask(mask, read_picture(pictures / "a.jpg"))
    assert (row["area_px"], row["region_count"]) == (100 * 160 + 400, 2)
    assert row["longest_diameter_px"] == pytest.approx(expected.longest_diameter_px, rel=1e-5)
    assert row["contrast_delta_e"] == pytest.approx(expected.contrast_delta_e, rel=1e-5)
    assert row["expected_dice"] is row["model"] is row["threshold"] is None
    assert tuple(row) == COLUMNS
    assert json.loads(measure(*arguments, "--keep", "largest").stdout)["area_px"] == 100 * 160


def test_a_mask_that_lacks_or_does_not_fit_fails_by_itself(measure, pictures, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    cv2.imwrite(str(masks / "b_segmentation.png"), np.full((5, 5), 255, np.uint8))
    answer = measure(pictures, "--masks", masks)
    assert answer.exit_code == 1
    assert f"a.jpg: no mask a_segmentation.png in {masks}" in answer.stderr
    assert "its mask 5 x 5; both must be of one size" in answer.stderr


def test_figures_are_written_where_they_are_wanted(measure, pictures, tmp_path):
    figures = tmp_path / "figures"
    assert measure(pictures, "--figure", figures, "--mm-per-pixel", "0.02", "--json").exit_code == 0
    assert (figures / "sub" / "b_figure.jpg").is_file()
    with Segmenter() as segmenter:
        expected = segmenter(read_picture(pictures / "a.jpg")).figure(0.02)
    written = cv2.imread(str(figures / "a_figure.jpg"))
    assert np.abs(written.astype(int) - expected).mean() < 3
    again = measure(pictures, figures, "--figure", figures, "--json")
    assert [json.loads(line)["file"] for line in again.stdout.splitlines()] == ["a.jpg", "b.jpg"]


def test_without_a_table_a_short_one_is_shown(command, pictures):
    answer = command("measure", pictures, "--mm-per-pixel", "0.02")
    assert answer.returncode == 0, answer.stderr
    with Segmenter() as segmenter:
        measured = segmenter(read_picture(pictures / "a.jpg")).measure(0.02)
    (line,) = (line for line in answer.stdout.splitlines() if "a.jpg" in line)
    assert line.split()[1:4] == [
        f"{measured.area_mm2:.2f}",
        f"{measured.longest_diameter_mm:.2f}",
        f"{measured.shortest_diameter_mm:.2f}",
    ]
    assert "mm2" in answer.stdout


def test_an_empty_mask_is_a_row_too(measure, tmp_path, model):
    cv2.imwrite(str(tmp_path / "skin.png"), np.full((60, 80, 3), 250, np.uint8))
    answer = measure(tmp_path / "skin.png", "--model", model, "--json", "--figure", tmp_path / "figures")
    row = json.loads(answer.stdout)
    assert (row["status"], row["area_px"], row["longest_diameter_px"]) == ("measured", 0, None)
    assert (tmp_path / "figures" / "skin_figure.jpg").is_file()
    assert measure(tmp_path / "skin.png", "--model", model).exit_code == 0


def test_videos_are_left_out_with_a_hint(measure, pictures, tmp_path):
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.full((48, 64, 3), 220, np.uint8))
    writer.release()
    hint = "`aernet-trt segment` measures each frame of a video"
    alone = measure(film)
    assert alone.exit_code == 1
    assert hint in alone.stderr
    assert alone.stderr.count("\n") == 1
    beside = measure(film, pictures / "a.jpg", "--json")
    assert beside.exit_code == 0
    assert hint in beside.stderr


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf"])
def test_what_is_no_scale_is_told_before_any_work(measure, pictures, tmp_path, scale):
    answer = measure(pictures, "--mm-per-pixel", scale, "--table", tmp_path / "t.csv")
    assert answer.exit_code == 1
    assert "mm_per_pixel: expected a finite number above 0" in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "t.csv").exists()


def test_wrong_usage_is_told(measure, pictures, tmp_path):
    assert measure(pictures, "--table", tmp_path / "t.xlsx").exit_code == 2
    for of_a_model in (
        ("--threshold", "0.4"),
        ("--border", "wide"),
        ("--model", "aernet"),
        ("--device", "cpu"),
    ):
        refused = measure(pictures, "--masks", pictures, *of_a_model)
        assert refused.exit_code == 2
        assert f"{of_a_model[0]}: for a model, not beside --masks" in refused.stderr
    assert measure(pictures, "--mask-suffix", "_mask").exit_code == 2
    missing = measure(tmp_path / "none.jpg", tmp_path / "neither.jpg")
    assert missing.exit_code == 1
    assert missing.stderr.count("no such file or folder") == 2
    blocked = measure(pictures, "--table", pictures / "a.jpg" / "t.csv")
    assert blocked.exit_code == 1
    assert "a.jpg is a file, not a folder" in blocked.stderr


def test_an_input_that_is_not_there_is_a_row_too(measure, pictures, tmp_path):
    table = tmp_path / "t.csv"
    answer = measure(pictures / "a.jpg", tmp_path / "gone.jpg", "--json", "--table", table)
    assert answer.exit_code == 1
    assert json.loads(answer.stdout.splitlines()[1]) == {
        "file": "gone.jpg",
        "status": "failed",
        "error": "gone.jpg: no such file or folder",
    }
    assert [(row["file"], row["status"]) for row in table_of(table)] == [
        ("a.jpg", "measured"),
        ("gone.jpg", "failed"),
    ]


def test_what_failed_alone_gives_no_table(command, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    answer = command("measure", tmp_path / "broken.jpg")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.count("broken.jpg") == 1


def test_a_closed_pipe_is_no_fault_of_the_table(start, pictures, tmp_path):
    table = tmp_path / "t.csv"
    with start("measure", pictures, "--json", "--table", table) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert "t.csv" not in errors


def test_any_name_of_a_file_is_a_cell(measure, pictures, tmp_path):
    names = ["=1,\n+1.jpg", "esc\x1b[1m.jpg", "Лес[bold].jpg", os.fsdecode(b"bad\xff.jpg")]
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in names:
        shutil.copy(pictures / "a.jpg", folder / name)
    table = tmp_path / "table.csv"
    assert measure(folder, "--table", table).exit_code == 0
    assert sorted(row["file"] for row in table_of(table)) == sorted([*names[:3], r"bad\udcff.jpg"])
    shown = measure(folder).stdout
    for name in (r"=1,\n+1.jpg", r"esc\x1b[1m.jpg", names[2], r"bad\udcff.jpg"):
        assert name in shown
