"""The files of one result: what they are called, and what is in them."""

from __future__ import annotations

from json import dumps
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import cv2

from aernet.errors import AernetError
from aernet.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from aernet.arrays import HostImage

MASK = "_mask.png"
"""The ending of the name of a picture's mask."""
OVERLAY = "_overlay.jpg"
"""The ending of the name of the picture with the lesion outlined."""
CONTOURS = "_contours.json"
"""The ending of the name of the lesion's borders."""
FIGURE = "_figure.jpg"
"""The ending of the name of the picture with the measurements."""
MEASUREMENTS = "_measurements.json"
"""The ending of the name of the measurements."""


def png_bytes(picture: HostImage) -> bytes:
    """Return a mask or a picture, uint8, gray or BGR, as PNG."""
    return cv2.imencode(".png", picture)[1].tobytes()


def jpeg_bytes(picture: HostImage) -> bytes:
    """Return a picture, uint8 BGR, as JPEG of OpenCV's usual quality, 95."""
    return cv2.imencode(".jpg", picture)[1].tobytes()


def contours_bytes(row: Mapping[str, Any], contours: Sequence[npt.NDArray[np.int32]]) -> bytes:
    """Return a row of a table with the borders of the lesion's regions, N x 2 each, as JSON."""
    return dumps({**row, "contours": [contour.tolist() for contour in contours]}).encode()


def row_bytes(row: Mapping[str, Any]) -> bytes:
    """Return a row of a table as JSON, a line for each value."""
    return f"{dumps(row, indent=2)}\n".encode()


def write_files(folder: Path, name: str, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files of one name, by their endings, and return their paths.

    Raises:
        AernetError: `name` is no name of a file, or a file cannot be written.
    """
    if not name or PurePath(name).name != name or "\0" in name:
        raise AernetError(f"name must be the start of a file's name, without a folder, got {name!r}")
    paths = []
    for ending, content in contents.items():
        paths.append(folder / f"{name}{ending}")
        with replacing(paths[-1]) as temporary:
            temporary.write_bytes(content)
    return paths
