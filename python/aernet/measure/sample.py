"""The part of a picture in which colours are measured: a lesion with the skin around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from aernet.measure.lab import to_lab_d50

if TYPE_CHECKING:
    import numpy.typing as npt

    from aernet.arrays import HostImage
    from aernet.measure.shape import Shape

# A lesion that is larger is measured on means of squares of pixels. It makes colours independent of the
# camera's resolution and noise, and keeps the time bounded.
_SIDE = 256

# The skin around lies this far outside, in equivalent diameters: experts differ in where the border runs.
_SKIN = (0.1, 0.3)

# Darker is the dermatoscope's rim.
_RIM = 20.0

# With less skin than this part of the lesion's area, no skin is seen.
_LEAST_SKIN = 0.05


class Sample(NamedTuple):
    """A lesion with the skin around it, h x w, each pixel the mean of `step` x `step` of the frame's."""

    lab: npt.NDArray[np.float32]
    """CIELAB with the white D50, h x w x 3."""
    lesion: npt.NDArray[np.bool_]
    """Which pixels are lesion, h x w."""
    skin: npt.NDArray[np.bool_]
    """Which pixels are skin around, h x w; none where too little is seen."""
    depth: npt.NDArray[np.float32]
    """The distance from the outline in equivalent diameters, above 0 inside and below 0 outside, h x w."""
    corner: tuple[int, int]
    """The frame's pixel (x, y) at which the sample starts."""
    step: int
    """How many of the frame's pixels are one here, along each side."""


def take_sample(shape: Shape, picture: HostImage) -> Sample:
    """Return a lesion with the skin around it.

    The skin around is what lies 0.1 to 0.3 equivalent diameters outside the outline and is lighter than the
    rim of a dermatoscope (L* = 20).

    Args:
        shape: the lesion's shape.
        picture: uint8 BGR, H x W x 3, of the same frame.
    """
    x, y, width, height = shape.box
    step = -(-max(width, height) // _SIDE)
    margin = int(np.ceil(_SKIN[1] * shape.diameter)) + step
    left, top = max(0, x - margin), max(0, y - margin)
    columns = slice(left, min(shape.mask.shape[1], x + width + margin))
    rows = slice(top, min(shape.mask.shape[0], y + height + margin))
    lesion = _reduced(shape.mask[rows, columns], step)
    inside = lesion > 127 if lesion.max() > 127 else lesion > 0
    depth = (_distance(inside) - _distance(~inside)) * np.float32(step / shape.diameter)
    lab = to_lab_d50(_reduced(picture[rows, columns], step))
    skin = (depth < -_SKIN[0]) & (depth >= -_SKIN[1]) & (lab[:, :, 0] > _RIM)
    if np.count_nonzero(skin) < _LEAST_SKIN * np.count_nonzero(inside):
        skin = np.zeros_like(skin)
    return Sample(lab, inside, skin, depth, (left, top), step)


def _reduced(picture: HostImage, step: int) -> HostImage:
    """Return the means of squares of pixels; the last rows and columns that fill none are left out."""
    height, width = (max(1, side // step) for side in picture.shape[:2])
    whole = picture[: height * step, : width * step]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _distance(region: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Return each pixel's distance from the outside of a region, to its edge, in pixels; 0 outside.

    The edge of the picture is none of the region's.
    """
    if region.all():
        return np.full(region.shape, np.inf, np.float32)
    to_centre = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(region, np.asarray(to_centre, np.float32) - np.float32(0.5), np.float32(0))
