"""The regions of a mask as polygons on the corners of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cv2
import numpy as np

from aernet.exchange.checks import require_mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from aernet.arrays import HostImage

Corner: TypeAlias = tuple[int, int]
"""The x and y of a corner of a pixel; (0, 0) is the corner of the picture at the top left."""

Ring: TypeAlias = list[Corner]
"""A closed line; its last corner is joined to its first, which is not repeated."""

# Which pixels around a corner are lesion: 1 above left, 2 above right, 4 below left, 8 below right.
_RISING = 2 + 4
_FALLING = 1 + 8
_TURNS = np.isin(np.arange(16), (1, 2, 4, 7, 8, 11, 13, 14, _RISING, _FALLING))


class Polygon(NamedTuple):
    """One region of a mask, whose pixels touch each other with a side."""

    exterior: Ring
    """Its outer border, counterclockwise if y points upwards, as GeoJSON (RFC 7946) wants it."""
    holes: list[Ring]
    """The borders of its holes, which go the other way round."""


def polygons(mask: HostImage) -> list[Polygon]:
    """Return the regions of a mask as polygons that have exactly its pixels inside.

    A pixel is a square here: that at the top left has the corners (0, 0) and (1, 1), and its centre is
    (0.5, 0.5). All edges are horizontal or vertical, and a region of one pixel is a square. No border meets
    itself, and regions that touch with a corner alone are two; so the polygons are valid by the rules of OGC
    (Simple Feature Access), and their area is the number of the mask's pixels.

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin; an empty one gives an empty list.

    Raises:
        FrameError: it is no such mask.
    """
    require_mask(mask)
    x0, y0, width, height = cv2.boundingRect(mask)
    lesion = mask[y0 : y0 + height, x0 : x0 + width]
    inside = cv2.copyMakeBorder(lesion, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    _, labels = cv2.connectedComponents(inside, connectivity=4)
    exteriors: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for border in _borders(inside > 0):
        x, y = border[0]
        region = int(labels[y + 1, x + 1])
        for part in _parted(border):
            ring = [(x0 + x, y0 + y) for x, y in part]
            if _area(ring) > 0:
                exteriors[region] = ring
            else:
                holes.setdefault(region, []).append(ring)
    return [Polygon(exteriors[region], holes.get(region, [])) for region in sorted(exteriors)]


def _borders(inside: npt.NDArray[np.bool_]) -> Iterator[Ring]:
    """Yield all borders, with the lesion on the right hand of one who walks along them.

    The pixel below right of a border's first corner is lesion. A border may meet itself.

    Args:
        inside: the lesion, with a pixel of skin all around.
    """
    pixels = inside.astype(np.uint8)
    around = pixels[:-1, :-1] + 2 * pixels[:-1, 1:] + 4 * pixels[1:, :-1] + 8 * pixels[1:, 1:]
    y, x = np.nonzero(_TURNS[around])
    kind = around[y, x]
    # Where two pixels touch with a corner alone, two borders turn: one at the left, one at the right.
    double = np.isin(kind, (_RISING, _FALLING))
    right = np.arange(len(x) + np.count_nonzero(double)) >= len(x)
    x, y, kind = (np.concatenate([values, values[double]]) for values in (x, y, kind))
    # Sorted by rows, each two turns that follow each other are the ends of a horizontal edge.
    by_rows = np.lexsort((right, x, y))
    x, y, kind, right = x[by_rows], y[by_rows], kind[by_rows], right[by_rows]
    # Likewise by columns; there the turn around the upper pixel comes first.
    by_columns = np.lexsort((np.where(kind == _RISING, ~right, right), y, x))
    in_column = np.empty(len(x), np.intp)
    in_column[by_columns[0::2]], in_column[by_columns[1::2]] = by_columns[1::2], by_columns[0::2]
    corners = list(zip(x.tolist(), y.tolist(), strict=True))
    following = in_column.tolist()
    left = set(range(len(corners)))
    for start in range(0, len(corners), 2):
        if start not in left or not kind[start] & 8:
            continue
        ring: Ring = []
        turn = start
        while turn in left:
            end = turn ^ 1
            left -= {turn, end}
            ring += [corners[turn], corners[end]]
            turn = following[end]
        yield ring


def _parted(border: Ring) -> Iterator[Ring]:
    """Yield the borders of which one that meets itself consists."""
    place: dict[Corner, int] = {}
    path: Ring = []
    for corner in border:
        if corner in place:
            first = place[corner]
            yield path[first:]
            for passed in path[first + 1 :]:
                del place[passed]
            del path[first + 1 :]
        else:
            place[corner] = len(path)
            path.append(corner)
    yield path


def _area(ring: Ring) -> int:
    """Return twice the area that a ring encloses, negative if it goes clockwise, if y points upwards."""
    following = (*ring[1:], ring[0])
    return sum(x * later_y - later_x * y for (x, y), (later_x, later_y) in zip(ring, following, strict=True))
