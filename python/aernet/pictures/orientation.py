"""How a stored picture is turned to be seen upright."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.pictures.directories import Directories
from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from aernet.pictures.raster import Pixels

_ORIENTATION = 0x0112


def orientation_of(exif: bytes) -> int:
    """Return the orientation that EXIF data state, 1 to 8; 1 where they state none or are damaged."""
    try:
        # Programs that strip the thumbnail leave the position of its directory behind.
        directories = Directories(exif.removeprefix(b"Exif\0\0"), {_ORIENTATION})
        stated = directories.first().get(_ORIENTATION, ())
    except Unusable:
        return 1
    return stated[0] if stated and 1 <= stated[0] <= 8 else 1


def upright(picture: Pixels, orientation: int) -> Pixels:
    """Turn and mirror a picture, H x W x 3, as its orientation says (EXIF 2.32, tag Orientation)."""
    if orientation == 1:
        return picture
    if orientation >= 5:
        picture = picture.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        picture = picture[::-1]
    if orientation in {2, 3, 6, 7}:
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)
