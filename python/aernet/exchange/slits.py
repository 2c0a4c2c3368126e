"""Regions as one closed line each, for formats whose polygons have no holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aernet.exchange.polygons import Corner, Ring


def slit(exterior: Ring, holes: Iterable[Ring]) -> Ring:
    """Return the border of a region as one line, with a slit of no width from each hole to the left.

    The line goes along a slit twice, there and back. So a program that fills it by the even-odd or by the
    non-zero rule gets the region with its holes.

    Args:
        exterior: the outer border; its points are whole numbers, and each is at most one step away from the
            one before, in x as in y.
        holes: the borders of the holes, alike.

    Returns:
        The line, without the points in the middle of straight runs.
    """
    line = exterior
    # From left to right, so that what lies at the left of a hole belongs to the line already.
    for hole in sorted(holes, key=min):
        start = hole.index(min(hole))
        x, y = hole[start]
        end = max((i for i, (a, b) in enumerate(line) if b == y and a <= x), key=lambda i: line[i][0])
        around = [*hole[start:], *hole[: start + 1]]
        line = [*line[: end + 1], *around, *line[end:]]
    return _turns(line)


def stepwise(ring: Ring) -> Ring:
    """Return a closed line of horizontal and vertical edges with a point at each whole number."""
    points: list[Corner] = []
    for (x, y), (end_x, end_y) in zip(ring, (*ring[1:], ring[0]), strict=True):
        steps = max(abs(end_x - x), abs(end_y - y))
        step_x, step_y = (end_x - x) // steps, (end_y - y) // steps
        points += [(x + step * step_x, y + step * step_y) for step in range(steps)]
    return points


def _turns(line: Ring) -> Ring:
    """Return the points at which a closed line changes its direction."""
    kept = []
    for (ax, ay), (x, y), (bx, by) in zip((line[-1], *line[:-1]), line, (*line[1:], line[0]), strict=True):
        straight = (x - ax) * (by - y) == (y - ay) * (bx - x)
        onwards = (x - ax) * (bx - x) + (y - ay) * (by - y) > 0
        if not (straight and onwards):
            kept.append((x, y))
    return kept
