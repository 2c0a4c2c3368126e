from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from odd_masks import ANY_MASK
from PIL import Image, ImageDraw

from aernet.exchange import to_labelme


def filled(content):
    """Fill the polygons as LabelMe does (`labelme.utils.shape_to_mask`)."""
    picture = Image.new("L", (content["imageWidth"], content["imageHeight"]))
    for shape in content["shapes"]:
        assert shape["shape_type"] == "polygon"
        assert len(shape["points"]) > 2
        ImageDraw.Draw(picture).polygon([tuple(point) for point in shape["points"]], fill=255, outline=255)
    return np.asarray(picture)


def test_pillow_gives_back_the_mask(mask):
    np.testing.assert_array_equal(filled(json.loads(to_labelme(mask, "a.jpg"))), mask)


@given(ANY_MASK)
def test_so_it_does_any_mask(mask):
    np.testing.assert_array_equal(filled(json.loads(to_labelme(mask, "a.jpg"))), mask)


def test_labelme_gives_back_the_mask(mask, tmp_path, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    labelme = pytest.importorskip("labelme", exc_type=ImportError)
    from labelme.utils import shapes_to_label

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*mask.shape, 3), np.uint8))
    (tmp_path / "a.json").write_bytes(to_labelme(mask, "a.png"))
    file = labelme.LabelFile(str(tmp_path / "a.json"))
    classes, instances = shapes_to_label(mask.shape, file.shapes, {"lesion": 1})
    np.testing.assert_array_equal(classes * 255, mask)
    assert instances.max() == mask.any()  # all regions are one thing
