"""What an alpha channel does to a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.pictures.raster import Unusable

if TYPE_CHECKING:
    from aernet.pictures.raster import Pixels


def on_white(picture: Pixels, alpha: Pixels | None) -> Pixels:
    """Lay a picture, H x W x 3, on white; one that is everywhere equally opaque stays as it is.

    Raises:
        Unusable: the picture is transparent everywhere.
    """
    if alpha is None:
        return picture
    least, most = int(alpha.min()), int(alpha.max())
    if most == 0:
        raise Unusable("every pixel is transparent (alpha 0); save it without an alpha channel")
    if least == most:
        return picture
    opacity = alpha[..., np.newaxis].astype(np.float32) / 255
    return np.rint(picture * opacity + 255 * (1 - opacity)).astype(np.uint8)
