from __future__ import annotations

import json
import tracemalloc
from itertools import repeat

import numpy as np
import pytest
from odd_masks import MASKS
from pycocotools.coco import COCO

from aernet import SourceError
from aernet.exchange import join_coco, to_coco

# What pycocotools 2.0 does when it decodes with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


@pytest.fixture
def read(tmp_path):
    """Read a COCO file by pycocotools."""

    def read(*pieces):
        file = tmp_path / "annotations.json"
        file.write_bytes(b"".join(join_coco(pieces)))
        return COCO(file)

    return read


@pytest.mark.parametrize("outline", ["rle", "polygons"])
def test_pycocotools_gives_back_the_masks(read, outline):
    coco = read(*(to_coco(mask, f"{name}.jpg", outline=outline) for name, mask in MASKS.items()))
    assert coco.getImgIds() == list(range(1, len(MASKS) + 1))
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["lesion"]
    for number, (name, mask) in enumerate(MASKS.items(), 1):
        (image,) = coco.loadImgs(number)
        assert image == {
            "id": number,
            "file_name": f"{name}.jpg",
            "width": mask.shape[1],
            "height": mask.shape[0],
        }
        annotations = coco.loadAnns(coco.getAnnIds(number))
        assert len(annotations) == mask.any()
        for annotation in annotations:
            np.testing.assert_array_equal(coco.annToMask(annotation) * 255, mask)
            y, x = np.nonzero(mask)
            box = [x.min(), y.min(), x.max() - x.min() + 1, y.max() - y.min() + 1]
            assert annotation["bbox"] == box
            assert annotation["area"] == len(x)
            assert annotation["iscrowd"] == 0


def test_polygons_are_what_label_studio_takes(read):
    """Its converter takes lists of numbers alone, at least three points each."""
    coco = read(*(to_coco(mask, "a.jpg", outline="polygons") for mask in MASKS.values()))
    for annotation in coco.loadAnns(coco.getAnnIds()):
        for polygon in annotation["segmentation"]:
            assert len(polygon) % 2 == 0
            assert len(polygon) >= 6
            assert all(isinstance(number, int) for number in polygon)


def test_a_score_is_kept(read):
    mask = np.full((3, 3), 255, np.uint8)
    coco = read(to_coco(mask, "a.jpg", 0.93), to_coco(mask, "b.jpg"))
    first, second = coco.loadAnns(coco.getAnnIds())
    assert first["score"] == 0.93
    assert "score" not in second


def test_no_picture_is_a_file_too(read):
    assert read().getImgIds() == []


def test_names_are_kept_as_they_are(read):
    mask = np.full((3, 3), 255, np.uint8)
    names = ['x/ä "1".jpg', "x/2.jpg"]
    coco = read(*(to_coco(mask, name) for name in names))
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == names


def test_the_file_comes_in_parts():
    parts = list(join_coco([to_coco(np.full((3, 3), 255, np.uint8), "a.jpg")] * 3))
    assert len(parts) > 3
    assert len(json.loads(b"".join(parts))["annotations"]) == 3


def test_the_memory_does_not_grow_with_the_pictures():
    ragged = np.random.default_rng(3).integers(0, 2, (512, 512), np.uint8) * 255
    piece = to_coco(ragged, "a.jpg")
    repeats = 100_000_000 // len(piece)
    tracemalloc.start()
    try:
        written = sum(map(len, join_coco(repeat(piece, repeats))))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > 0.9 * len(piece) * repeats
    assert most < written / 2


@pytest.mark.parametrize(
    "piece", [b"", b"{", b"7", b'{"image": 7}', b'{"annotation": {}}', b"[" * 100_000, b"\xff"]
)
def test_a_piece_that_is_none(piece):
    with pytest.raises(SourceError, match=r"a piece of a COCO file is damaged"):
        list(join_coco([piece]))
