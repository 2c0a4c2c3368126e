"""`segment` takes DICOM photographs, writes objects of their study, and tells nothing else of the patient."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from dicom_objects import RARE, TEST_FILES, example, photograph, stored, verified
from typer.testing import CliRunner

from aernet import Segmenter
from aernet.cli.app import app

pydicom = pytest.importorskip("pydicom")
fileset = pytest.importorskip("pydicom.fileset")

DICOM = ("--format", "dicom-seg", "--format", "dicom-labelmap", "--format", "dicom-sr")


@pytest.fixture
def study(tmp_path):
    """Return a folder with two photographs, one without a suffix, and what is none."""
    folder = tmp_path / "study"
    folder.mkdir()
    stored(photograph(example(), PixelSpacing=["0.02", "0.02"]), folder / "a.dcm")
    stored(photograph(example()[::-1]), folder / "IM0002")
    shutil.copy(TEST_FILES / "CT_small.dcm", folder)
    return folder


@pytest.fixture
def segment(model, tmp_path):
    """Run `segment` on inputs into tmp_path/out, and return its answer and the rows of what it was given."""

    def run(*arguments):
        words = ["segment", *arguments, "-o", tmp_path / "out", "--model", model, "--json"]
        answer = CliRunner().invoke(app, [str(word) for word in words])
        return answer, [json.loads(line) for line in answer.stdout.splitlines()]

    return run


def test_objects_have_the_mask(segment, study, model, tmp_path):
    answer, rows = segment(study, *DICOM)
    assert answer.exit_code == 0, answer.stderr
    assert [row["status"] for row in rows] == ["done", "done", "left out"]
    assert "(CT Image Storage)" in rows[2]["reason"]
    out = tmp_path / "out"
    for name in ("a", "IM0002"):
        mask = cv2.imread(str(out / f"{name}_mask.png"), cv2.IMREAD_UNCHANGED)
        for kind in ("seg", "labelmap"):
            pixels = pydicom.dcmread(out / f"{name}_{kind}.dcm").pixel_array
            np.testing.assert_array_equal(pixels.squeeze() > 0, mask > 0)
        assert verified((out / f"{name}_sr.dcm").read_bytes()) == ["ComprehensiveSR"]
    with Segmenter(model) as segmenter:
        np.testing.assert_array_equal(segmenter(study / "IM0002").mask, mask)


def test_a_dicomdir_is_an_input(segment, study, tmp_path):
    index = fileset.FileSet()
    index.add(study / "a.dcm")
    index.write(tmp_path / "medium")
    index._stage["t"].cleanup()  # which it would leave to the garbage collector
    (tmp_path / "medium" / "viewer.png").touch()
    answer, rows = segment(tmp_path / "medium" / "DICOMDIR")
    assert answer.exit_code == 0, answer.stderr
    assert [row["status"] for row in rows] == ["done"]


def test_objects_are_made_of_dicom_alone(segment, tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), example())
    answer, rows = segment(path, *DICOM[:2])
    assert answer.exit_code == 1
    assert rows[0]["error"] == f"{path}: a DICOM object can be made of a DICOM file alone, and this is none"


def test_nothing_tells_of_the_patient_but_the_dicom_objects(segment, study, tmp_path):
    bad = photograph(example(), PixelSpacing=["0", "0"])
    stored(bad, study / "bad.dcm")
    (study / "cut.dcm").write_bytes((study / "a.dcm").read_bytes()[:3000])
    table, formats = ("--table", tmp_path / "out.csv"), ("--format", "geojson", "--format", "coco")
    answer, rows = segment(study, "--overlay", "--contours", *table, *formats, "--format", "labelme", *DICOM)
    assert [row["status"] for row in rows] == ["done", "done", "failed", "failed", "left out"]
    patient = (RARE, "19610704", "Odonata", str(bad.StudyInstanceUID))
    written = [path for path in tmp_path.rglob("*") if path.is_file() and study not in path.parents]
    others = [path for path in written if path.suffix != ".dcm"]
    assert len(others) >= 12
    said = [answer.output, answer.stderr, *(path.read_bytes().decode("latin-1") for path in others)]
    for text in said:
        assert not [word for word in patient if word in text]
    objects = [path for path in written if path.suffix == ".dcm"]
    assert len(objects) == 6
    assert all(RARE in path.read_bytes().decode("latin-1") for path in objects)


def test_pixel_spacing_gives_millimetres(segment, study, model):
    _, (unspaced, spaced, _) = segment(study)  # IM0002, a.dcm
    assert spaced["area_mm2"] == pytest.approx(spaced["area_px"] * 0.02**2, rel=1e-5)
    assert spaced["longest_diameter_mm"] == pytest.approx(spaced["longest_diameter_px"] * 0.02, rel=1e-5)
    assert unspaced["area_mm2"] is None

    def measure(*options):
        words = ["measure", str(study / "a.dcm"), "--model", str(model), "--json", *options]
        return json.loads(CliRunner().invoke(app, words).stdout)

    assert measure()["longest_diameter_mm"] == spaced["longest_diameter_mm"]
    assert measure("--mm-per-pixel", "0.04")["longest_diameter_mm"] == pytest.approx(
        2 * spaced["longest_diameter_mm"], rel=1e-5
    )


def test_measuring_names_a_spacing_that_is_none(study, model):
    stored(photograph(example(), PixelSpacing=["-1", "0.02"]), study / "a.dcm")
    answer = CliRunner().invoke(app, ["measure", str(study / "a.dcm"), "--model", str(model)])
    assert answer.exit_code == 1
    assert len(answer.stderr.strip().splitlines()) == 1
    assert "a.dcm: " in answer.stderr
    assert "-1" in answer.stderr
