"""A figure of a lesion: its outline, diameters and axes over the picture, and the measurements beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.drawing import OUTLINE, line_width
from aernet.measure.panel import draw_panel
from aernet.regions import outlines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from aernet.arrays import HostImage
    from aernet.measure.measurements import Line, Measurements, Point

LONGEST = (0, 210, 255)
"""The colour of the longest diameter, BGR."""
SHORTEST = (255, 200, 0)
"""The colour of the shortest diameter, BGR."""
AXES = (255, 255, 255)
"""The colour of the axes of symmetry, BGR."""

_LEAST = 640  # pixels of the drawn picture's longer side, so that what is drawn on it can be told apart
_HALO = (30, 30, 30)
_FRACTION_BITS = 4  # of the coordinates that OpenCV draws at


def draw_figure(
    picture: HostImage,
    mask: HostImage,
    measurements: Measurements,
    further: Mapping[str, str] | None = None,
) -> HostImage:
    """Draw the measurements of a lesion over its picture and beside it.

    Over the picture are the outline without a tint, the longest and the shortest diameter with their ends,
    and the two axes of symmetry, dashed, with their numbers. A picture whose longer side is below 640 pixels
    is enlarged by a whole number.

    Args:
        picture: uint8 BGR, H x W x 3; it is left as it is.
        mask: uint8, H x W, 255 inside the lesion and 0 outside.
        measurements: as `measure_mask` gives them for the mask.
        further: what else is written beside the picture, by what it is called.

    Returns:
        uint8 BGR, at least as high as the picture and wider than it.
    """
    times = max(1, math.ceil(_LEAST / max(mask.shape)))
    drawn = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    axes = _axes(measurements)
    drawing = _Drawing(np.ascontiguousarray(drawn, np.uint8), times)
    if measurements.centroid_px is not None:
        drawing.lines(outlines(mask), OUTLINE, closed=True)
        for axis in axes:
            drawing.dashed(axis, AXES)
        for ends, colour in (
            (measurements.shortest_diameter_ends_px, SHORTEST),
            (measurements.longest_diameter_ends_px, LONGEST),
        ):
            if ends is not None:
                drawing.lines([ends], colour)
                drawing.dots(ends, colour)
    colours = {"Longest": LONGEST, "Shortest": SHORTEST, "Axis": AXES}
    labels = {str(number): drawing.place(axis[1]) for number, axis in enumerate(axes, 1)}
    return draw_panel(drawing.picture, measurements, colours, labels, further)


def _axes(measurements: Measurements) -> list[Line]:
    """Return the ends of the two axes of symmetry, which reach a little beyond the lesion."""
    centre, length = measurements.centroid_px, measurements.longest_diameter_px
    if centre is None or length is None or measurements.symmetry_axis_degrees is None:
        return []
    axes = []
    for degrees in (measurements.symmetry_axis_degrees, measurements.symmetry_axis_degrees + 90):
        x, y = (0.6 * length * turn(math.radians(degrees)) for turn in (math.cos, math.sin))
        axes.append(((centre[0] - x, centre[1] - y), (centre[0] + x, centre[1] + y)))
    return axes


class _Drawing:
    """A picture that is drawn upon in the coordinates of a smaller one; all lines have a dark edge."""

    def __init__(self, picture: HostImage, times: int) -> None:
        self.picture = picture
        self._times = times
        self._width = line_width(picture.shape)

    def lines(
        self, lines: Sequence[npt.ArrayLike], colour: tuple[int, int, int], *, closed: bool = False
    ) -> None:
        points = [self._fixed(line) for line in lines]
        for ink, width in ((_HALO, self._width + 2 * self._edge), (colour, self._width)):
            cv2.polylines(self.picture, points, closed, ink, width, cv2.LINE_AA, _FRACTION_BITS)

    def dashed(self, line: Line, colour: tuple[int, int, int]) -> None:
        start, end = np.asarray(line)
        count = max(1, round(float(np.linalg.norm(end - start)) * self._times / (14 * self._width)))
        steps = np.linspace(0, 1, 2 * count, endpoint=False)  # a dash and a gap in turn
        at = start + steps[:, None] * (end - start)
        self.lines(list(np.stack([at[0::2], at[1::2]], axis=1)), colour)

    def dots(self, points: Line, colour: tuple[int, int, int]) -> None:
        for centre in self._fixed(points).reshape(-1, 2).tolist():
            for ink, radius in ((_HALO, 3 * self._width + self._edge), (colour, 3 * self._width)):
                fixed = radius << _FRACTION_BITS
                cv2.circle(self.picture, centre, fixed, ink, cv2.FILLED, cv2.LINE_AA, _FRACTION_BITS)

    def place(self, point: Point) -> tuple[int, int]:
        """Return where a point is in the picture that is drawn upon."""
        x, y = (self._fixed(point).ravel() >> _FRACTION_BITS).tolist()
        return x, y

    @property
    def _edge(self) -> int:
        return max(1, self._width // 2)

    def _fixed(self, points: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Return points, N x 2, where OpenCV draws them; whole numbers are the centres of pixels."""
        enlarged = (np.asarray(points, np.float64) + 0.5) * self._times - 0.5
        return np.round(enlarged * (1 << _FRACTION_BITS)).astype(np.int32).reshape(-1, 1, 2)
