from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given
from odd_masks import ANY_MASK, pixels_of

from aernet.errors import FrameError
from aernet.exchange import polygons


def shape_of(mask):
    return shapely.MultiPolygon([shapely.Polygon(region.exterior, region.holes) for region in polygons(mask)])


def require_right(mask):
    shape = shape_of(mask)
    assert shape.is_valid, shapely.is_valid_reason(shape)
    assert shape.area == np.count_nonzero(mask)
    np.testing.assert_array_equal(pixels_of(shape, *mask.shape), mask)
    regions, _ = cv2.connectedComponents(mask, connectivity=4)
    assert len(shape.geoms) == regions - 1


def test_polygons_are_valid_and_have_the_pixels(mask):
    require_right(mask)


@given(ANY_MASK)
def test_so_have_those_of_any_mask(mask):
    require_right(mask)


def test_a_pixel_is_a_square():
    mask = np.zeros((5, 5), np.uint8)
    mask[2, 3] = 255
    ((exterior, holes),) = polygons(mask)
    assert exterior == [(3, 2), (4, 2), (4, 3), (3, 3)]
    assert holes == []


def test_borders_go_round_as_geojson_wants_it(mask):
    for region in polygons(mask):
        assert shapely.LinearRing(region.exterior).is_ccw
        assert not any(shapely.LinearRing(hole).is_ccw for hole in region.holes)


def test_only_turns_are_in_a_border():
    mask = np.zeros((30, 40), np.uint8)
    mask[5:25, 10:30] = 255
    mask[5:10, 10:15] = 0
    ((exterior, _),) = polygons(mask)
    assert len(exterior) == 6


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((4, 4), bool), "got bool 4 x 4"),
        (np.zeros((4, 4, 3), np.uint8), "got uint8 4 x 4 x 3"),
        (np.zeros((0, 4), np.uint8), "got uint8 0 x 4"),
        (np.ones((4, 4), np.uint8), "got 1"),
    ],
)
def test_what_is_no_mask_is_refused(array, told):
    with pytest.raises(FrameError, match=told):
        polygons(array)
