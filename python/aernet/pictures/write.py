"""Writes pictures and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from aernet.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt


def write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write a picture or a mask as PNG, uint8, BGR or gray.

    Raises:
        AernetError: `path` cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
