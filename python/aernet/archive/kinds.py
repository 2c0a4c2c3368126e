"""The kinds of outputs: what their files are called, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from aernet import exchange
from aernet.archive.describe import numbers_of
from aernet.files import in_unicode
from aernet.result_files import (
    CONTOURS,
    MASK,
    OVERLAY,
    contours_bytes,
    jpeg_bytes,
    png_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from aernet.segmentation import Segmentation


Join: TypeAlias = "Callable[[Iterable[bytes]], Iterable[bytes]]"


@dataclass(frozen=True)
class Segmented:
    """A picture that was segmented, as the outputs tell of it."""

    result: Segmentation[Any]
    """The result, whose frame is in BGR."""
    row: Mapping[str, Any]
    """The input's name, and what `describe` tells if `Kind.described` is set."""
    below: str
    """The path of the picture's file below the folder that was given."""
    beside: str
    """The path of the picture's file from the folder of its outputs."""
    file: Path
    """The picture's file, or a copy of it if it comes from elsewhere."""
    model: tuple[str, str]
    """The name and the version of the model."""


@dataclass(frozen=True)
class Kind:
    """One kind of output of pictures."""

    name: str
    """What options, rows and the journal call it."""
    ending: str
    """What the name of a picture's file ends with; the whole name, for one file of the whole run."""
    content: Callable[[Segmented], bytes]
    """Makes the file of a picture, or its piece of the file of the run."""
    described: bool = False
    """Whether the row has to tell of the lesion."""
    join: Join | None = None
    """Makes one file of the whole run from the pictures' pieces, in their order.

    None for what has a file for each picture.
    """


def _mask(done: Segmented) -> bytes:
    return png_bytes(done.result.mask)


def _overlay(done: Segmented) -> bytes:
    return jpeg_bytes(done.result.overlay())


def _contours(done: Segmented) -> bytes:
    return contours_bytes(done.row, done.result.contours())


def _geojson(done: Segmented) -> bytes:
    name = in_unicode(PurePosixPath(done.below).name)
    return exchange.to_geojson(done.result.mask, name, numbers_of(done.row))


def _coco(done: Segmented) -> bytes:
    return exchange.to_coco(done.result.mask, in_unicode(done.below), done.row["expected_dice"])


def _coco_polygons(done: Segmented) -> bytes:
    name = in_unicode(done.below)
    return exchange.to_coco(done.result.mask, name, done.row["expected_dice"], "polygons")


def _labelme(done: Segmented) -> bytes:
    return exchange.to_labelme(done.result.mask, done.beside)


def _probability_png(done: Segmented) -> bytes:
    return exchange.to_probability_png(done.result.probability, *done.result.mask.shape)


def _probability_tiff(done: Segmented) -> bytes:
    return exchange.to_probability_tiff(done.result.probability, *done.result.mask.shape)


def _cutout(done: Segmented) -> bytes:
    return exchange.to_cutout(done.result.frame, done.result.mask)


def _dicom_seg(done: Segmented) -> bytes:
    return exchange.to_dicom_seg(done.result.mask, done.file, *done.model)


def _dicom_labelmap(done: Segmented) -> bytes:
    return exchange.to_dicom_seg(done.result.mask, done.file, *done.model, "LABELMAP")


def _dicom_sr(done: Segmented) -> bytes:
    return exchange.to_dicom_sr(done.result.mask, done.file, *done.model)


_FORMATS = (
    Kind("geojson", ".geojson", _geojson, described=True),
    Kind("coco", "annotations.json", _coco, described=True, join=exchange.join_coco),
    Kind(
        "coco-polygons",
        "annotations_polygons.json",
        _coco_polygons,
        described=True,
        join=exchange.join_coco,
    ),
    Kind("labelme", ".json", _labelme),
    Kind("isic", "_segmentation.png", _mask),
    Kind("probability-png", "_probability.png", _probability_png),
    Kind("probability-tiff", "_probability.tif", _probability_tiff),
    Kind("cutout", "_cutout.png", _cutout),
    Kind("dicom-seg", "_seg.dcm", _dicom_seg),
    Kind("dicom-labelmap", "_labelmap.dcm", _dicom_labelmap),
    Kind("dicom-sr", "_sr.dcm", _dicom_sr),
)

FORMATS = tuple(kind.name for kind in _FORMATS)
"""The kinds that are formats of other programs; of videos there is none."""

KINDS = {
    kind.name: kind
    for kind in (
        Kind("mask", MASK, _mask),
        Kind("overlay", OVERLAY, _overlay),
        Kind("contours", CONTOURS, _contours, described=True),
        *_FORMATS,
    )
}
"""The kinds of outputs that a picture may have, by their names."""

VIDEO_ENDINGS = {
    "masks": "_masks",
    "track": "_track.csv",
    "overlay": "_overlay.mp4",
    "contours": "_contours.jsonl",
}
"""The endings of the names of a video's outputs; "masks" is a folder."""
