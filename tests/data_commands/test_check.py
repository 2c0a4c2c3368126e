from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from aernet.data.check import check

FIRST, SECOND, THIRD, FOURTH, FIFTH = (
    "ISIC_0000495",
    "ISIC_0011135",
    "ISIC_0013459",
    "ISIC_0015218",
    "ISIC_0015476",
)


def mask_of(folder, image_id):
    return folder / f"{image_id}_segmentation.png"


@pytest.fixture(params=["folder", "zip file"])
def packed(request, tmp_path):
    """Return what makes a data set of a folder: the folder, or a zip file of it."""

    def pack(folder):
        if request.param == "folder":
            return folder
        return type(folder)(shutil.make_archive(str(tmp_path / "packed"), "zip", folder))

    return pack


def test_nothing_is_wrong_with_good_pairs(pairs, packed, progress):
    report = check(packed(pairs), None, progress)
    assert report.image_ids == [FIRST, SECOND, THIRD, FOURTH, FIFTH]
    assert report.same_lesion == []
    assert report.problems == []


def test_all_that_is_wrong_is_found_at_once(pairs, packed, progress):
    picture = cv2.imread(str(pairs / f"{FIRST}.jpg"))
    size = picture.shape[:2]
    mask_of(pairs, FIRST).unlink()
    (pairs / f"{SECOND}.jpg").unlink()
    (pairs / f"{THIRD}.jpg").write_bytes(b"no picture")
    assert cv2.imwrite(str(mask_of(pairs, FOURTH)), np.zeros((10, 20), np.uint8))
    assert cv2.imwrite(str(mask_of(pairs, FIFTH)), np.full((512, 512), 255, np.uint8)[:, :3])
    for name, mask in (
        ("empty", np.zeros(size, np.uint8)),
        ("full", np.full(size, 255, np.uint8)),
        ("gray", cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)),
        ("cut", np.zeros(size, np.uint8)),
    ):
        assert cv2.imwrite(str(pairs / f"{name}.png"), picture)
        assert cv2.imwrite(str(mask_of(pairs, name)), mask)
    mask_of(pairs, "cut").write_bytes(mask_of(pairs, "cut").read_bytes()[:40])

    report = check(packed(pairs), None, progress)
    kinds = {(problem.kind, *problem.image_ids) for problem in report.problems}
    assert kinds == {
        ("no mask", FIRST),
        ("no picture", SECOND),
        ("unusable picture", THIRD),
        ("unequal sizes", FOURTH),
        ("empty mask", FOURTH),
        ("unequal sizes", FIFTH),
        ("full mask", FIFTH),
        ("empty mask", "empty"),
        ("full mask", "full"),
        ("unusable mask", "gray"),
        ("unusable mask", "cut"),
    }
    assert report.image_ids == ["empty", "full"]
    for problem in report.problems:
        assert problem.image_ids[0] in problem.detail
        assert "\n" not in problem.detail
    details = {problem.image_ids[0]: problem.detail for problem in report.problems}
    assert "are gray" in details["gray"]
    assert "20 x 10" in " ".join(problem.detail for problem in report.problems)


def test_a_lesion_in_two_subsets_is_a_problem_and_in_one_is_not(pairs, packed, progress, tmp_path):
    for copy, quality in (("copy", 80), ("again", 60)):
        picture = cv2.imread(str(pairs / f"{FIRST}.jpg"))
        assert cv2.imwrite(str(pairs / f"{copy}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        shutil.copy(mask_of(pairs, FIRST), mask_of(pairs, copy))
    table = tmp_path / "split.csv"
    table.write_text(f"image_id,subset\n{FIRST},train\ncopy,train\nagain,test\n{SECOND},test\nnone,test\n")
    report = check(packed(pairs), table, progress)
    assert report.same_lesion == [(FIRST, "again"), (FIRST, "copy"), ("again", "copy")]
    found = {(problem.kind, *problem.image_ids): problem.detail for problem in report.problems}
    assert set(found) == {
        ("unknown id", "none"),
        ("lesion in two subsets", FIRST, "again"),
        ("lesion in two subsets", "again", "copy"),
    }
    assert (
        found["lesion in two subsets", FIRST, "again"]
        == f"{FIRST} of train and again of test show one lesion"
    )
    assert "split.csv" in found["unknown id", "none"]


def test_official_parts_are_looked_at_together(pairs, progress, tmp_path):
    data = tmp_path / "data"
    for part, image_id in (("Training", FIRST), ("Validation", SECOND), ("Test", "copy")):
        images, masks = data / f"ISIC2018_Task1-2_{part}_Input", data / f"ISIC2018_Task1_{part}_GroundTruth"
        images.mkdir(parents=True)
        masks.mkdir()
        original = FIRST if image_id == "copy" else image_id
        shutil.copy(pairs / f"{original}.jpg", images / f"{image_id}.jpg")
        shutil.copy(mask_of(pairs, original), mask_of(masks, image_id))
    report = check(data, None, progress)
    assert report.image_ids == [FIRST, SECOND, "copy"]
    assert report.same_lesion == [(FIRST, "copy")]
    assert not report.problems


def test_masks_that_are_inverted_are_told_and_others_are_not(pairs, packed, progress):
    for image_id in (FIRST, THIRD):
        mask = cv2.imread(str(mask_of(pairs, image_id)), cv2.IMREAD_GRAYSCALE)
        assert cv2.imwrite(str(mask_of(pairs, image_id)), 255 - mask)
    report = check(packed(pairs), None, progress)
    assert [(problem.kind, *problem.image_ids) for problem in report.problems] == [
        ("inverted mask", FIRST),
        ("inverted mask", THIRD),
    ]
    assert report.image_ids == [FIRST, SECOND, THIRD, FOURTH, FIFTH]
