"""The B of the ABCD rule: in how many eighths of the outline the lesion's colour ends abruptly.

The rule (Nachbar et al. 1994, 10.1016/S0190-9622(94)70061-3) divides the lesion into eighths and counts those
with an abrupt cut-off of pigment; it gives no number for abrupt. Here, for each eighth of the directions from
the centroid, the mean colours of four strips along the outline are compared, each 5 % of the equivalent
diameter wide: one on either side of the outline, and one beyond each of these. An eighth is abrupt where the
near strips differ (CIE 1976) by at least half as much as the far ones, and by at least 6. So a colour that
fades evenly is abrupt where it fades within a tenth of the diameter. Half, 5 % and 6 are our choice, and have
not been compared with the judgement of dermatologists. The count is as good as the outline: one that runs
beside the edge of the pigment by 3 % of the diameter hides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.measure.sample import Sample

_NEAR = (0.0, 0.05)
_FAR = (0.05, 0.1)
_HALF = 0.5
_SEEN = 6.0
_EIGHTHS = 8


class Edge(NamedTuple):
    """How sharply the colour changes across the outline."""

    delta_e: tuple[float | None, ...]
    """The colour difference of the two near strips for each eighth; None where one is not seen."""
    abrupt: int | None
    """How many eighths are abrupt; None where one is not seen."""


def edge_of(sample: Sample, centroid: tuple[float, float], axis_degrees: float) -> Edge:
    """Return how sharply the colour changes across the outline, for each eighth.

    Args:
        sample: the lesion with the skin around it.
        centroid: the lesion's centroid (x, y) in the frame, in pixels.
        axis_degrees: the direction at which the first eighth starts, clockwise as seen from x; the others
            follow clockwise.
    """
    rows, columns = np.nonzero(np.abs(sample.depth) <= _FAR[1])
    if not len(rows):  # the frame ends before the outline everywhere
        return Edge((None,) * _EIGHTHS, None)
    depth, lab = sample.depth[rows, columns], sample.lab[rows, columns]
    x = (columns + 0.5) * sample.step - 0.5 + sample.corner[0] - centroid[0]
    y = (rows + 0.5) * sample.step - 0.5 + sample.corner[1] - centroid[1]
    degrees = (cv2.phase(x, y, angleInDegrees=True).ravel() - axis_degrees) % 360
    eighth = np.minimum((degrees * (_EIGHTHS / 360)).astype(np.intp), _EIGHTHS - 1)
    near, far = (
        np.linalg.norm(
            _strip_means(lab, eighth, (depth > low) & (depth <= high))
            - _strip_means(lab, eighth, (depth < -low) & (depth >= -high)),
            axis=1,
        )
        for low, high in (_NEAR, _FAR)
    )
    delta_e = tuple(None if np.isnan(value) else float(value) for value in near)
    if np.isnan(near).any() or np.isnan(far).any():
        return Edge(delta_e, None)
    return Edge(delta_e, int(np.count_nonzero((near >= _HALF * far) & (near >= _SEEN))))


def _strip_means(
    lab: npt.NDArray[np.float32], eighth: npt.NDArray[np.intp], strip: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return the mean colour of a strip in each eighth, 8 x 3; NaN where it has no pixel."""
    of, colours = eighth[strip], lab[strip]
    counts = np.bincount(of, minlength=_EIGHTHS).astype(np.float64)
    sums = np.stack([np.bincount(of, colours[:, channel], _EIGHTHS) for channel in range(3)], axis=1)
    counts[counts == 0] = np.nan
    return np.asarray(sums / counts[:, None])
