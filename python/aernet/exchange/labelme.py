"""LabelMe's JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2

from aernet.exchange.checks import require_mask
from aernet.exchange.geojson import LABEL
from aernet.exchange.slits import slit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aernet.arrays import HostImage
    from aernet.exchange.polygons import Ring

_VERSION = "5.3.0"  # of LabelMe, whose layout this is; later ones read it as well


def to_labelme(mask: HostImage, name: str) -> bytes:
    """Return a mask as the JSON that LabelMe keeps beside a picture, with one polygon for each region.

    LabelMe fills polygons with Pillow, which drops the fraction of a coordinate and counts the border as
    inside. So a line goes through the centres of a region's outermost pixels, and LabelMe's own conversion
    gives back the mask. Pixels that touch with a side or a corner are one region. LabelMe's polygons have no
    holes, so a slit of no width joins a hole to the border. All regions are in group 0, as one thing.

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin.
        name: the picture's file, from the folder of the JSON file; LabelMe opens it.

    Raises:
        FrameError: the mask is no such array.
    """
    require_mask(mask)
    height, width = mask.shape
    shapes: list[dict[str, Any]] = [
        {
            "label": LABEL,
            "points": [(x + 0.5, y + 0.5) for x, y in line],
            "group_id": 0,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
            "mask": None,
        }
        for line in _lines(mask)
    ]
    content = {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(content, separators=(",", ":")).encode()


def _lines(mask: HostImage) -> Iterator[Ring]:
    """Yield a line for each region, of three points or more, through the centres of pixels."""
    found, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not found:
        return
    borders: list[Ring] = [[(int(x), int(y)) for x, y in border.reshape(-1, 2)] for border in found]
    parents = hierarchy[0][:, 3].tolist()
    for i, border in enumerate(borders):
        if parents[i] < 0:
            holes = [hole for hole, parent in zip(borders, parents, strict=True) if parent == i]
            line = slit(border, holes)
            yield line + line[-1:] * (3 - len(line))
