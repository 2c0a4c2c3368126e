"""The formats of an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from aernet.archive.describe import describe, numbers_of
from aernet.exchange import to_geojson
from aernet.result_files import png_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aernet.segmentation import Segmentation

Format: TypeAlias = Literal["png", "json", "geojson"]

FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: Mapping[str, Format] = {
    "image/png": "png",
    "application/json": "json",
    "application/geo+json": "geojson",
}
"""The format of each media type; the first is the default."""


def encode(
    result: Segmentation[Any], model: str, wanted: Format, mm_per_pixel: tuple[float, float] | None
) -> bytes:
    """Return a result of a model in a format; see `describe`.

    PNG is the mask, 8 bits, gray, 255 in the lesion. JSON is an object with the keys of a row of `segment`
    that tell of the lesion, and `contours`, the mask's outer borders, each a list of [x, y]. GeoJSON is what
    `to_geojson` makes, with the numbers of that row as measurements.
    """
    if wanted == "png":
        return png_bytes(result.mask)
    row = describe(result, model, mm_per_pixel)
    if wanted == "json":
        borders = [border.tolist() for border in result.contours()]
        return json.dumps({**row, "contours": borders}, separators=(",", ":")).encode()
    return to_geojson(result.mask, "lesion", numbers_of(row))
