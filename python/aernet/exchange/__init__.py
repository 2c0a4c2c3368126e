"""Masks in the formats that other programs read, a file for each; see docs/exchange.md."""

from aernet.exchange.coco import join_coco, to_coco
from aernet.exchange.cutout import to_cutout
from aernet.exchange.dicom_seg import to_dicom_seg
from aernet.exchange.dicom_sr import to_dicom_sr
from aernet.exchange.geojson import to_geojson
from aernet.exchange.labelme import to_labelme
from aernet.exchange.polygons import Polygon, polygons
from aernet.exchange.probability import to_probability_png, to_probability_tiff

__all__ = [
    "Polygon",
    "join_coco",
    "polygons",
    "to_coco",
    "to_cutout",
    "to_dicom_seg",
    "to_dicom_sr",
    "to_geojson",
    "to_labelme",
    "to_probability_png",
    "to_probability_tiff",
]
