"""The code of docs/from-mask-to-report.md, as it stands there, and the figure on the page."""

from __future__ import annotations

import csv
import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from aernet.cli.app import app
from aernet.measure import Measurements
from aernet.pictures import example_pictures

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "from-mask-to-report.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```", PAGE, re.DOTALL)


def table_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_page_s_code_does_what_it_says(tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").mkdir()
    for picture in example_pictures():
        shutil.copy(picture, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "from-mask-to-report.md", "exec"), names)
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "aernet-trt"
            answer = CliRunner().invoke(app, arguments, catch_exceptions=False)
            assert answer.exit_code == 0, answer.output
    assert "None" not in capsys.readouterr().out
    assert cv2.imread("figure.jpg").shape[1] > cv2.imread("outline.png").shape[1]
    saved = ["_contours.json", "_mask.png", "_measurements.json", "_overlay.jpg"]
    assert sorted(path.name for path in Path("report").iterdir()) == [f"ISIC_0013459{end}" for end in saved]
    told = json.loads(Path("report/ISIC_0013459_measurements.json").read_text(encoding="utf-8"))
    assert told["area_mm2"] == pytest.approx(names["measured"].area_mm2, rel=1e-5)
    assert len(table_of(Path("rows.csv"))) == 1
    ours, again, segmented = (
        table_of(Path(name)) for name in ("lesions.csv", "again.csv", "out/lesions.csv")
    )
    assert len(list(Path("figures").iterdir())) == len(ours) == len(again) == len(segmented) == 5
    for one, other, third in zip(ours, again, segmented, strict=True):
        for column in ("area_px", "longest_diameter_px", "shape_asymmetry_first_axis", "contrast_delta_e"):
            assert one[column] == other[column] == third[column], column
        assert (one["expected_dice"] != "", other["expected_dice"]) == (True, "")


def test_the_measurements_that_the_page_names_are_there():
    (listed,) = re.findall(r"\| of the ABCD rule .*?\n\n", PAGE, re.DOTALL)
    named = set(re.findall(r"`(\w+)`", listed))
    assert len(named) > 10
    assert named <= {field for field in dir(Measurements) if not field.startswith("_")}


def test_the_figure_on_the_page_is_what_its_script_draws(tmp_path):
    shutil.copy(DOCS / "from_mask_to_report.py", tmp_path)
    runpy.run_path(str(tmp_path / "from_mask_to_report.py"), run_name="__main__")
    drawn, shown = (
        cv2.imread(str(folder / "from-mask-to-report.jpg")).astype(int) for folder in (tmp_path, DOCS)
    )
    assert drawn.shape == shown.shape
    assert np.abs(drawn - shown).mean() < 2
