"""What sRGB says of light, and how its white becomes another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# The cone responses of the Bradford transform (Lam 1985; the profiles of ICC.1:2010, annex E, take it too).
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def linear_light(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the linear light, in [0, 1], of values of sRGB in [0, 1] (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def adaptation(white: npt.NDArray[np.float64], to_white: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the matrix that adapts XYZ from one white to another by the Bradford transform, 3 x 3.

    Args:
        white: XYZ of the white that the colours have.
        to_white: XYZ of the white that they get.
    """
    gain = (_BRADFORD @ to_white) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(gain) @ _BRADFORD)
