"""What `segment --format` writes, read by what reads the format."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
import tifffile
from odd_masks import pixels_of
from PIL import Image, ImageDraw
from pycocotools.coco import COCO
from typer.testing import CliRunner

from aernet.archive.kinds import FORMATS
from aernet.archive.outputs import OF_THE_RUN
from aernet.cli.app import app
from aernet.cli.options import Format

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


def asked(*names):
    return [word for name in names for word in ("--format", name)]


def from_geojson(file, shape):
    (feature,) = json.loads(file.read_text())["features"]
    return pixels_of(shapely.geometry.shape(feature["geometry"]), *shape)


def from_labelme(file, shape):
    picture = Image.new("L", shape[::-1])
    for region in json.loads(file.read_text())["shapes"]:
        ImageDraw.Draw(picture).polygon([tuple(point) for point in region["points"]], fill=255, outline=255)
    return np.asarray(picture)


def from_probability(values):
    return np.where(values >= 0.4 * 65535, np.uint8(255), np.uint8(0))


READERS = {
    ".geojson": from_geojson,
    ".json": from_labelme,
    "_segmentation.png": lambda file, _: np.asarray(Image.open(file)),
    "_probability.png": lambda file, _: from_probability(np.asarray(Image.open(file))),
    "_probability.tif": lambda file, _: from_probability(tifffile.imread(file)),
    "_cutout.png": lambda file, _: np.asarray(Image.open(file))[..., 3],
}


@pytest.mark.usefixtures("pictures")
def test_all_formats_have_the_mask(segment, tmp_path):
    answer, rows = segment(*asked(*(name for name in FORMATS if not name.startswith("dicom"))))
    assert answer.exit_code == 0, answer.stderr
    out = tmp_path / "out"
    coco = {name: COCO(out / name) for name in ("annotations.json", "annotations_polygons.json")}
    for number, row in enumerate(rows, 1):
        mask = cv2.imread(row["mask"], cv2.IMREAD_UNCHANGED)
        assert mask.any()
        stem = Path(row["input"]).stem
        for ending, read in READERS.items():
            near = 2 if "probability" in ending else 0  # pixels that are within 0.001 of the threshold
            assert np.count_nonzero(read(out / f"{stem}{ending}", mask.shape) != mask) <= near, ending
        for read_back in coco.values():
            assert read_back.loadImgs(number)[0]["file_name"] == f"{stem}.png"
            (annotation,) = read_back.imgToAnns[number]
            np.testing.assert_array_equal(read_back.annToMask(annotation) * 255, mask)


def test_the_option_names_all_formats():
    assert [one.value for one in Format] == list(FORMATS)


@pytest.mark.usefixtures("pictures")
def test_rows_name_the_files(segment, tmp_path):
    _, rows = segment(*asked("labelme", "coco"))
    assert rows[0]["labelme"] == str(tmp_path / "out" / "00.json")
    assert "coco" not in rows[0]


def test_a_file_of_the_run_is_right_after_other_runs(segment, pictures, content, tmp_path):
    everything = asked(*OF_THE_RUN)
    late = [pictures / f"{number:02}.png" for number in (3, 7)]
    for picture in late:
        shutil.move(picture, tmp_path / picture.name)
    segment(*everything)
    for picture in late:
        shutil.move(tmp_path / picture.name, picture)
    (tmp_path / "out" / "05_mask.png").unlink()
    shutil.copy(pictures / "00.png", pictures / "01.png")
    _, rows = segment(*everything)
    again = [Path(row["input"]).stem for row in rows if row["status"] == "done"]
    assert again == ["01", "03", "05", "07"]
    segment(*everything, output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")
    segment(*everything)
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


@pytest.mark.usefixtures("pictures")
def test_a_file_of_the_run_does_not_stay_beside_other_masks(segment, content, tmp_path):
    segment(*asked("coco"))
    segment("--contours")
    assert (tmp_path / "out" / "annotations.json").exists()
    segment("--threshold", "0.9")
    assert not (tmp_path / "out" / "annotations.json").exists()
    segment("--threshold", "0.9", *asked("coco"))
    segment("--threshold", "0.9", *asked("coco"), output=tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_file_of_the_run_has_no_piece_of_what_failed(segment, pictures, tmp_path):
    segment(*asked("coco"))
    (pictures / "05.png").write_bytes(b"no picture any more")
    assert segment(*asked("coco"), "--threshold", "0.9")[0].exit_code == 1
    images = json.loads((tmp_path / "out" / "annotations.json").read_bytes())["images"]
    assert [image["file_name"] for image in images] == [f"{n:02}.png" for n in range(12) if n != 5]


def test_annotations_that_no_run_has_written_are_not_replaced(segment, pictures):
    """Experts' annotations lie beside their pictures under the same name."""
    experts = pictures / "annotations.json"
    experts.write_bytes(b"of experts")
    segment(output=pictures)
    answer, rows = segment(*asked("coco"), output=pictures)
    assert (answer.exit_code, rows) == (1, [])
    assert f"{experts}: exists already, and " in answer.stderr
    assert experts.read_bytes() == b"of experts"
    segment(*asked("coco"), "--overwrite", output=pictures)
    assert len(json.loads(experts.read_bytes())["images"]) == 12
    assert segment(*asked("coco"), output=pictures)[0].exit_code == 0


def test_coco_tells_pictures_of_one_name_apart(segment, pictures, tmp_path):
    for name in ("x", "y"):
        (tmp_path / name / "sub").mkdir(parents=True)
        shutil.copy(pictures / "00.png", tmp_path / name / "sub" / "a.png")
    segment(*asked("coco"), inputs=[tmp_path / "x", tmp_path / "y", pictures / "01.png"])
    images = json.loads((tmp_path / "out" / "annotations.json").read_text())["images"]
    assert [image["file_name"] for image in images] == ["x/sub/a.png", "y/sub/a.png", "01.png"]


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are bytes on Linux alone")
def test_a_name_that_is_no_utf_8_does_not_spoil_the_file_of_the_run(segment, pictures, tmp_path):
    shutil.copy(pictures / "00.png", pictures / os.fsdecode(b"L\xe4sion.png"))
    answer, _ = segment(*asked("coco", "geojson"))
    assert answer.exit_code == 0
    images = json.loads((tmp_path / "out" / "annotations.json").read_text(encoding="utf-8"))["images"]
    assert (len(images), images[-1]["file_name"]) == (13, "L\\udce4sion.png")
    feature = (tmp_path / "out" / os.fsdecode(b"L\xe4sion.geojson")).read_bytes()
    assert b'"L\\\\udce4sion.png"' in feature


def test_labelme_finds_the_picture(segment, pictures, tmp_path):
    (pictures / "sub").mkdir()
    shutil.move(pictures / "00.png", pictures / "sub")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    segment(*asked("labelme"), output=tmp_path / "link" / "out")
    for name in ("sub/00", "01"):
        file = tmp_path / "elsewhere" / "out" / f"{name}.json"
        path = json.loads(file.read_text())["imagePath"]
        assert (file.parent / path).resolve() == (pictures / f"{name}.png").resolve()


def test_labelme_is_beside_its_picture_where_outputs_are(segment, pictures):
    segment(*asked("labelme"), output=pictures)
    assert json.loads((pictures / "01.json").read_text())["imagePath"] == "01.png"
    answer, rows = segment(*asked("labelme", "isic"), output=pictures)
    assert answer.exit_code == 0
    answer, rows = segment(*asked("labelme", "isic"), output=pictures)
    assert [row["status"] for row in rows] == ["skipped"] * 12


@pytest.mark.usefixtures("pictures")
def test_evaluate_scores_what_isic_names(segment, tmp_path):
    segment(*asked("isic"))
    (tmp_path / "masks").mkdir()
    for file in (tmp_path / "out").glob("*_segmentation.png"):
        shutil.copy(file, tmp_path / "masks")
    words = ["evaluate", "--predictions", tmp_path / "out", "--suffix", "_segmentation.png"]
    words += ["--masks", tmp_path / "masks", "--json", tmp_path / "scores.json"]
    answer = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert answer.exit_code == 0, answer.stderr
    assert json.loads((tmp_path / "scores.json").read_text())["jaccard"]["mean"] == 1


def test_masks_of_experts_are_told_as_such(segment, pictures):
    cv2.imwrite(str(pictures / "00_segmentation.png"), np.zeros((60, 80), np.uint8))
    _, rows = segment()
    (left_out,) = [row for row in rows if row["status"] == "left out"]
    assert left_out["reason"].startswith("the mask of another picture")


def test_two_outputs_of_one_name_are_refused(segment, pictures, tmp_path):
    shutil.move(pictures / "00.png", pictures / "annotations.png")
    answer, _ = segment(*asked("labelme"))
    assert answer.exit_code == 0
    answer, _ = segment(*asked("labelme", "coco"))
    assert answer.exit_code == 1
    assert "annotations.json: would be the file of" in answer.stderr
    assert segment(*asked("coco"), output=tmp_path / "other")[0].exit_code == 0


@pytest.mark.usefixtures("pictures")
def test_a_missing_library_is_told(segment, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    answer, rows = segment(*asked("coco"))
    assert answer.exit_code == 1
    assert "aernet[coco]" in answer.stderr
    assert rows == []
    assert segment(*asked("geojson"), output=tmp_path / "other")[0].exit_code == 0
