"""The formats of an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import cv2

from aernet.video.extent import extent_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aernet.models import ModelCard
    from aernet.segmentation import Segmentation

Format: TypeAlias = Literal["png", "json"]

FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: Mapping[str, Format] = {"image/png": "png", "application/json": "json"}
"""The format of each media type; the first is the default."""


def encode(result: Segmentation[Any], card: ModelCard, wanted: Format) -> bytes:
    """Return a result in a format: the mask as PNG (8 bits, gray, 255 in the lesion), or JSON.

    The JSON object has the keys of a record of `segment --json`, with lengths in pixels, and `contours`, the
    mask's outer borders, each a list of [x, y].
    """
    if wanted == "png":
        return cv2.imencode(".png", result.mask)[1].tobytes()
    return json.dumps(_facts(result, card), separators=(",", ":")).encode()


def _facts(result: Segmentation[Any], card: ModelCard) -> dict[str, Any]:
    height, width = result.mask.shape
    calibrated = result.quality is not None
    return {
        "width": width,
        "height": height,
        "area_fraction": result.area_fraction,
        **extent_row(result.mask),
        "expected_dice": round(result.expected_dice, 4) if calibrated else None,
        "needs_review": result.needs_review if calibrated else None,
        "threshold": result.threshold,
        "model": f"{card.name} {card.version}",
        "contours": [border.tolist() for border in result.contours()],
    }
