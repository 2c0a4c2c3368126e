from __future__ import annotations

import json

import geojson
import numpy as np
import shapely
from odd_masks import pixels_of

from aernet.exchange import to_geojson


def test_shapely_gives_back_the_mask(mask):
    collection = json.loads(to_geojson(mask, "a.jpg"))
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in collection["features"]]
    assert len(shapes) == mask.any()
    for shape in shapes:
        assert shape.is_valid
        np.testing.assert_array_equal(pixels_of(shape, *mask.shape), mask)


def test_it_is_geojson(mask):
    collection = geojson.loads(to_geojson(mask, "a.jpg"))
    assert isinstance(collection, geojson.FeatureCollection)
    assert collection.errors() == []


def test_one_region_is_no_multipolygon():
    mask = np.zeros((9, 9), np.uint8)
    mask[1:4, 1:4] = 255
    kinds = []
    for _ in range(2):
        (feature,) = json.loads(to_geojson(mask, "a.jpg"))["features"]
        kinds.append(feature["geometry"]["type"])
        mask[6:8, 6:8] = 255
    assert kinds == ["Polygon", "MultiPolygon"]


def test_properties_are_as_qupath_reads_them():
    """The names and types that QuPath's PathObjectTypeAdapter asks for, as of 0.4."""
    mask = np.full((3, 3), 255, np.uint8)
    (feature,) = json.loads(to_geojson(mask, "a.jpg", {"area_px": 9, "needs_review": True}))["features"]
    assert feature["type"] == "Feature"
    assert feature["properties"] == {
        "objectType": "annotation",
        "name": "a.jpg",
        "classification": {"name": "lesion", "color": [80, 255, 80]},
        "measurements": {"area_px": 9, "needs_review": 1},
    }
    assert isinstance(feature["properties"]["measurements"]["needs_review"], float)
    (bare,) = json.loads(to_geojson(mask, "a.jpg"))["features"]
    assert "measurements" not in bare["properties"]
