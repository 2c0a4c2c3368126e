from __future__ import annotations

import hashlib
import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from aernet.cli.app import app
from aernet.data import archives
from aernet.pairs import read_column

ROOT = Path(__file__).parents[2]
EXAMPLES, MASKS = ROOT / "examples", ROOT / "python/aernet/video/masks"


def data(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Serve small archives in place of the official ones; return the address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "mirror"
    folder.mkdir()
    parts = {}
    for part in ("training", "validation", "test"):
        (folder / f"{part}.zip").write_bytes(part.encode() * 1000)
        content = (folder / f"{part}.zip").read_bytes()
        archive = archives.Archive(f"{part}.zip", len(content), hashlib.sha256(content).hexdigest())
        parts[part] = (archive,)
    monkeypatch.setitem(archives.ARCHIVES, "isic2018", parts)
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_fetch_brings_the_parts_that_are_asked_for(mirror, tmp_path):
    out = tmp_path / "out"
    arguments = ("fetch", "isic2018", "--output", out, "--mirror", mirror)
    result = data(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [str(out / "training.zip")]
    result = data(*arguments, "--parts", "validation", "--parts", "test")
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"training.zip", "validation.zip", "test.zip"}
    for path in out.iterdir():
        assert path.read_bytes() == path.stem.encode() * 1000


def test_fetch_fails_in_one_line(mirror, tmp_path):
    result = data("fetch", "isic2018", "-o", tmp_path / "out", "--mirror", f"{mirror}/nowhere")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"aernet-trt: {mirror}/nowhere/training.zip: the server answers 404 File not found"
    ]
    result = data("fetch", "isic2019", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "isic2018" in result.stderr


def test_the_official_archives_are_https_zip_files_with_hashes():
    assert archives.ADDRESS.startswith("https://")
    for pictures, masks in archives.ARCHIVES["isic2018"].values():
        assert pictures.name.startswith("ISIC2018_Task1-2_")
        assert masks.name.startswith("ISIC2018_Task1_")
        for archive in (pictures, masks):
            assert archive.name.endswith(".zip")
            assert len(bytes.fromhex(archive.sha256)) == 32


def test_check_is_content_with_good_pairs(pairs):
    result = data("check", pairs)
    assert result.exit_code == 0, result.output
    assert "5 usable pairs" in result.stdout
    assert "no problems" in result.stdout


def test_check_tells_what_is_wrong_and_exits_with_1(pairs):
    shutil.copy(pairs / "ISIC_0000495.jpg", pairs / "copy.jpg")
    shutil.copy(pairs / "ISIC_0000495_segmentation.png", pairs / "copy_segmentation.png")
    size = cv2.imread(str(pairs / "ISIC_0011135.jpg")).shape[:2]
    assert cv2.imwrite(str(pairs / "ISIC_0011135_segmentation.png"), np.zeros(size, np.uint8))
    (pairs / "isic2018_split.csv").write_text("image_id,subset\nISIC_0000495,val\ncopy,test\n")
    result = data("check", pairs)
    assert result.exit_code == 1
    assert "6 usable pairs; 1 times two pictures show one lesion; 2 problems" in result.stdout
    assert "empty mask" in result.stdout
    assert "lesion in two subsets" in result.stdout
    assert not result.stderr
    table = pairs.parent / "other.csv"
    table.write_text("image_id,subset\nISIC_0000495,val\ncopy,val\n")
    result = data("check", pairs, "--split", table, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["same_lesion"] == [["ISIC_0000495", "copy"]]
    assert [problem["kind"] for problem in report["problems"]] == ["empty mask"]


def test_split_deals_out_all_pictures(pairs, tmp_path):
    output = tmp_path / "new" / "split.csv"
    result = data("split", pairs, "-o", output, "--validation", 1, "--test", 2)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{output}: 2 train, 1 val, 2 test\n"
    subset_of = read_column(output, "subset")
    assert sorted(subset_of) == sorted(path.stem for path in EXAMPLES.glob("*.jpg"))
    again = tmp_path / "again.csv"
    assert data("split", pairs, "-o", again, "--validation", 1, "--test", 2).exit_code == 0
    assert again.read_bytes() == output.read_bytes()


def test_a_small_folder_is_split_by_shares_and_two_pictures_are_too_few(pairs, tmp_path):
    result = data("split", pairs, "-o", pairs / "split.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{pairs / 'split.csv'}: 3 train, 1 val, 1 test\n"
    twin = "ISIC_0000495"
    for ending in (".jpg", "_segmentation.png"):
        shutil.copy(pairs / f"{twin}{ending}", pairs / f"copy{ending}")
    (pairs / "split.csv").write_text(f"image_id,subset\n{twin},val\ncopy,test\n")
    assert "lesion in two subsets" in data("check", pairs).stdout
    for name in sorted(path.stem for path in EXAMPLES.glob("*.jpg"))[1:]:
        (pairs / f"{name}.jpg").unlink()
        (pairs / f"{name}_segmentation.png").unlink()
    result = data("split", pairs, "-o", tmp_path / "none.csv")
    assert result.exit_code == 1
    assert "leave none of 2 to train on; three pictures are the fewest" in result.stderr
    assert not (tmp_path / "none.csv").exists()


def test_a_validation_subset_that_takes_all_pictures_is_told_to_be_smaller(pairs, tmp_path):
    result = data("split", pairs, "-o", tmp_path / "split.csv", "--validation", "20")
    assert result.exit_code == 1
    assert result.stderr.endswith(
        "20 pictures for validation and 1 for testing leave none of 5 to train on; ask for fewer\n"
    )


def test_masks_may_be_named_otherwise(pairs, tmp_path):
    for mask in pairs.glob("*_segmentation.png"):
        mask.rename(mask.with_name(mask.name.replace("_segmentation", "_Mask")))
    named = "--mask-suffix", "_mask"
    assert "5 usable pairs" in data("check", pairs, *named).stdout
    assert data("split", pairs, "-o", tmp_path / "split.csv", *named).exit_code == 0
    assert len(read_column(tmp_path / "split.csv", "subset")) == 5
    lesions = tmp_path / "lesions.csv"
    lesions.write_text(
        "image_id,lesion_id\n" + "".join(f"{path.stem},{path.stem}\n" for path in EXAMPLES.glob("*.jpg"))
    )
    assert data("split", pairs, "-o", tmp_path / "split.csv", *named, "--lesions", lesions).exit_code == 0
    result = data("check", pairs)
    assert result.exit_code == 1
    assert (
        "holds no mask named <picture>_segmentation.png; --mask-suffix takes another ending" in result.stderr
    )


def test_split_keeps_together_what_a_table_says_is_one_lesion(pairs, tmp_path):
    names = sorted(path.stem for path in EXAMPLES.glob("*.jpg"))
    table, output = tmp_path / "lesions.csv", tmp_path / "split.csv"
    lesion_of = dict(zip(names, "AABCA", strict=True))
    rows = "".join(f"{lesion},{image_id}\n" for image_id, lesion in lesion_of.items())
    table.write_text("lesion_id,image_id\n" + rows)
    for seed in range(5):
        options = "--validation", 1, "--test", 3, "--seed", seed, "--lesions", table
        assert data("split", pairs, "-o", output, *options).exit_code == 0
        subset_of = read_column(output, "subset")
        assert sorted(subset_of) == names
        assert len({subset_of[image_id] for image_id in names if lesion_of[image_id] == "A"}) == 1
    table.write_text("lesion_id,image_id\n" + rows.splitlines()[0] + "\n")
    result = data("split", pairs, "-o", tmp_path / "none.csv", "--lesions", table)
    assert result.exit_code == 1
    assert f"{table}: lacks 4 of 5 pictures, such as {names[1]}" in result.stderr
    assert not (tmp_path / "none.csv").exists()


def test_split_refuses_pairs_that_cannot_be_used(pairs, tmp_path):
    (pairs / "ISIC_0011135.jpg").write_bytes(b"no picture")
    result = data("split", pairs, "-o", tmp_path / "split.csv", "--validation", 1, "--test", 1)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "1 of its files keep it from being split" in result.stderr
    assert "ISIC_0011135.jpg" in result.stderr
    assert not (tmp_path / "split.csv").exists()


def test_what_is_not_there_is_one_line(tmp_path):
    for command in (("check", tmp_path / "none"), ("split", tmp_path / "none", "-o", tmp_path / "a.csv")):
        result = data(*command)
        assert result.exit_code == 1
        assert result.stderr == f"aernet-trt: {tmp_path / 'none'}: no such folder or zip file\n"
