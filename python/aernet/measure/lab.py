"""CIELAB with the white D50, in which dermoscopic colours are published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.srgb import adaptation, linear_light

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.arrays import HostImage

# Linear sRGB to XYZ (IEC 61966-2-1), whose white is D65.
_SRGB_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float64
)
# The white of the ICC's connection space (ICC.1:2010, 7.2.16).
_D50 = np.array([0.9642, 1.0, 0.8249])


def _bgr_to_relative_xyz() -> npt.NDArray[np.float64]:
    """Return the matrix from linear BGR to X / Xn, Y / Yn, Z / Zn of D50, by Bradford's adaptation."""
    adapted = adaptation(_SRGB_TO_XYZ.sum(axis=1), _D50) @ _SRGB_TO_XYZ
    return np.asarray(adapted / _D50[:, None])[:, ::-1].copy()


_TO_XYZ = _bgr_to_relative_xyz()
_LINEAR = linear_light(np.arange(256) / 255).astype(np.float32)
_DARK = (6 / 29) ** 3
# L* = 116 f(Y) - 16, a* = 500 (f(X) - f(Y)), b* = 200 (f(Y) - f(Z)).
_TO_LAB = np.array([[0, 116, 0, -16], [500, -500, 0, 0], [0, 200, -200, 0]], np.float64)


def to_lab_d50(picture: HostImage) -> npt.NDArray[np.float32]:
    """Return CIELAB (CIE 15:2004, 8.2.1) with the white D50, float32, H x W x 3.

    The colours of sRGB, whose white is D65, are adapted to D50 by the Bradford transform, so that white stays
    (100, 0, 0) and gray has no chroma. The network's own CIELAB has the white D65 and serves another end.

    Args:
        picture: uint8 BGR in sRGB, H x W x 3.
    """
    relative = cv2.transform(np.asarray(cv2.LUT(picture, _LINEAR)), _TO_XYZ)
    response = np.asarray(cv2.pow(relative, 1 / 3))
    dark = relative <= _DARK
    response[dark] = relative[dark] * np.float32(841 / 108) + np.float32(4 / 29)
    return np.asarray(cv2.transform(response, _TO_LAB), np.float32)
