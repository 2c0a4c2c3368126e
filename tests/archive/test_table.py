"""The table of a run."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from aernet.archive import Archive, Settings
from aernet.archive.table import COLUMNS


def read(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_table_has_a_line_for_each_input_in_their_order(segment, pictures, tmp_path):
    (pictures / "05.png").write_bytes(b"no picture")
    file = tmp_path / "tables" / "table.csv"
    answer, rows = segment("--table", file)
    assert answer.exit_code == 1
    table = read(file)
    assert [line["input"] for line in table] == [row["input"] for row in rows]
    assert list(table[0]) == list(COLUMNS)
    for line, row in zip(table, rows, strict=True):
        if row["status"] == "failed":
            assert (line["error"], line["area_px"], line["mask"]) == (row["error"], "", "")
            continue
        mask = cv2.imread(line["mask"], cv2.IMREAD_UNCHANGED)
        assert int(line["area_px"]) == np.count_nonzero(mask)
        assert float(line["area_fraction"]) == pytest.approx(mask.mean() / 255, rel=1e-5)
        assert (int(line["height"]), int(line["width"])) == mask.shape
        assert (line["threshold"], line["model"], line["expected_dice"]) == ("0.4", "dark", "")


def test_lines_are_there_as_soon_as_their_inputs_are_done(model, pictures, tmp_path):
    settings = Settings(model=str(model), table=tmp_path / "table.csv")
    for number, row in enumerate(Archive([str(pictures)], tmp_path / "out").segment(settings), 1):
        table = read(tmp_path / "table.csv")
        assert (len(table), table[-1]["input"]) == (number, row["input"])


def test_a_table_of_what_is_done_already_is_the_same(segment, tmp_path):
    segment("--table", tmp_path / "first.csv")
    _, rows = segment("--table", tmp_path / "second.csv")
    assert {row["status"] for row in rows} == {"skipped"}
    assert (tmp_path / "second.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()


def test_measurements_stay_when_other_outputs_are_added(segment, tmp_path):
    segment("--table", tmp_path / "first.csv")
    segment("--overlay")
    segment("--table", tmp_path / "second.csv")
    assert (tmp_path / "second.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()


def test_lesions_that_were_not_measured_are_for_a_table(model, pictures, segment, tmp_path):
    list(Archive([str(pictures)], tmp_path / "out").segment(Settings(model=str(model))))
    _, rows = segment("--table", tmp_path / "table.csv")
    assert {row["again"] for row in rows} == {"measurements had not been asked for"}
    assert all(line["area_px"] for line in read(tmp_path / "table.csv"))


def test_parquet_holds_what_csv_holds(segment, pictures, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    (pictures / "05.png").write_bytes(b"no picture")
    segment("--table", tmp_path / "table.csv")
    segment("--table", tmp_path / "table.parquet")
    found = parquet.read_table(tmp_path / "table.parquet").to_pylist()
    as_text = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in found]
    assert as_text == read(tmp_path / "table.csv")
    assert type(found[0]["area_px"]) is int
    assert type(found[0]["area_fraction"]) is float


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_that_is_no_such_table_is_not_written_over(segment, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    file = tmp_path / f"patients{suffix}"
    file.write_text("name,age\n")
    answer, _ = segment("--table", file)
    assert answer.exit_code == 1
    assert f"{file}: exists already, and is no table of such a run; choose another" in answer.stderr
    assert file.read_text() == "name,age\n"
    assert segment("--table", file, "--overwrite")[0].exit_code == 0
    assert segment("--table", file)[0].exit_code == 0


def test_an_empty_table_as_a_full_disk_leaves_it_is_filled(segment, tmp_path):
    (tmp_path / "table.csv").touch()
    assert segment("--table", tmp_path / "table.csv")[0].exit_code == 0
    assert len(read(tmp_path / "table.csv")) == 12


def test_a_table_of_another_kind_is_refused_by_its_name(segment, tmp_path):
    answer, _ = segment("--table", tmp_path / "table.xlsx")
    assert answer.exit_code == 1
    assert answer.stderr == (
        f"aernet-trt: {tmp_path}/table.xlsx: a table is .csv or .parquet; give it one of these suffixes\n"
    )
