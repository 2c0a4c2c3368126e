"""GeoJSON as QuPath reads and writes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aernet.exchange.polygons import polygons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aernet.arrays import HostImage
    from aernet.exchange.polygons import Ring

LABEL = "lesion"
"""What annotations call a lesion."""

_COLOUR = (80, 255, 80)  # RGB, as overlays draw it


def to_geojson(mask: HostImage, name: str, measurements: Mapping[str, float] | None = None) -> bytes:
    """Return a mask as a GeoJSON FeatureCollection with one annotation in QuPath's conventions.

    All regions of the mask are one annotation: a Polygon, or a MultiPolygon where there are several, with
    holes. Coordinates are pixels from the top left corner of the picture, and edges run along the sides of
    pixels: see `polygons`. The layout is that of QuPath 0.4 and later (qupath/qupath, pull request 1099).

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin. Without a lesion there is no annotation.
        name: the annotation's name, such as that of the picture.
        measurements: finite numbers that QuPath shows with the annotation, by their names.

    Raises:
        FrameError: the mask is no such array.
    """
    regions = [[_closed(ring) for ring in (exterior, *holes)] for exterior, holes in polygons(mask)]
    several = len(regions) != 1
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "name": name,
        "classification": {"name": LABEL, "color": _COLOUR},
    }
    if measurements:
        properties["measurements"] = {key: float(value) for key, value in measurements.items()}
    feature = {
        "type": "Feature",
        "geometry": {
            "type": "MultiPolygon" if several else "Polygon",
            "coordinates": regions if several else regions[0],
        },
        "properties": properties,
    }
    collection = {"type": "FeatureCollection", "features": [feature] if regions else []}
    return json.dumps(collection, separators=(",", ":")).encode()


def _closed(ring: Ring) -> Ring:
    return [*ring, ring[0]]
