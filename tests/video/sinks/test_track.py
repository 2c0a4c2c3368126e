from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from aernet import AernetError, Segmentation
from aernet.video import State, VideoResult
from aernet.video.sinks import Track


def result(index, side):
    mask = np.zeros((90, 160), np.uint8)
    mask[10 : 10 + side, 20 : 20 + side] = 255
    frame = np.zeros((90, 160, 3), np.uint8)
    segmentation = Segmentation(frame, mask, np.zeros((8, 8), np.float32), 0.5, 1.0)
    return VideoResult(
        segmentation, State.LESION if side else State.NO_LESION, index, index / 10, index, 12.5
    )


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_size_and_place_over_time(tmp_path, suffix):
    path = tmp_path / "new" / f"track{suffix}"
    sink = Track(path)
    for index, side in enumerate((10, 0, 21)):
        sink.write(result(index, side))
        # What was written is there at once, and whole.
        assert path.read_text().count("\n") == index + 1 + (suffix == ".csv")
    sink.close()
    text = path.read_text()
    rows = list(csv.DictReader(text.splitlines()))
    if suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    assert [int(row["frame"]) for row in rows] == [0, 1, 2]
    assert [float(row["seconds"]) for row in rows] == [0, 0.1, 0.2]
    assert [row["state"] for row in rows] == ["lesion", "no lesion", "lesion"]
    assert [int(row["area_px"]) for row in rows] == [100, 0, 441]
    assert [row["longest_diameter_px"] or None for row in rows][1] is None
    assert float(rows[2]["longest_diameter_px"]) == pytest.approx(21 * np.sqrt(2), abs=1)
    assert float(rows[2]["centroid_px_x"]) == 30
    assert float(rows[2]["centroid_px_y"]) == 20
    assert {row["longest_diameter_mm"] or None for row in rows} == {None}
    assert int(rows[2]["dropped"]) == 2
    assert float(rows[2]["latency_ms"]) == 12.5


def test_millimetres_where_a_scale_is_known(tmp_path):
    sink = Track(tmp_path / "track.csv", mm_per_pixel=0.5)
    sink.write(result(0, 20))
    sink.close()
    (row,) = csv.DictReader((tmp_path / "track.csv").read_text().splitlines())
    assert float(row["area_mm2"]) == 100
    assert float(row["longest_diameter_mm"]) == pytest.approx(
        0.5 * float(row["longest_diameter_px"]), rel=1e-4
    )
    with pytest.raises(AernetError, match=r"^mm_per_pixel: "):
        Track(tmp_path / "other.csv", mm_per_pixel=0)
    assert not (tmp_path / "other.csv").exists()


def test_other_names_are_refused(tmp_path):
    with pytest.raises(AernetError, match=r"track\.xlsx: expected a track to be called \.csv or \.jsonl"):
        Track(tmp_path / "track.xlsx")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path):
    for name in ("track.jsonl", "track.csv"):
        (tmp_path / name).symlink_to("/dev/full")
    sink = Track(tmp_path / "track.jsonl")
    with pytest.raises(AernetError, match=r"track\.jsonl: cannot be written \(No space left on device\)"):
        sink.write(result(0, 10))
    sink.close()
    with pytest.raises(AernetError, match=r"track\.csv: cannot be written \(No space left on device\)"):
        Track(tmp_path / "track.csv")
