"""The kinds of outputs: what their files are called, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from aernet.result_files import (
    CONTOURS,
    MASK,
    OVERLAY,
    contours_bytes,
    jpeg_bytes,
    png_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aernet.segmentation import Segmentation


Join: TypeAlias = "Callable[[Iterable[bytes]], Iterable[bytes]]"


@dataclass(frozen=True)
class Kind:
    """One kind of output of pictures."""

    name: str
    """What options, rows and the journal call it."""
    ending: str
    """What the name of a picture's file ends with; the whole name, for one file of the whole run."""
    content: Callable[[Segmentation[Any], Mapping[str, Any]], bytes]
    """Makes the file of a picture, or its piece of the file of the run, from its result and its row.

    The row has the input's name, and what `describe` tells if `described` is set.
    """
    described: bool = False
    """Whether the row has to tell of the lesion."""
    join: Join | None = None
    """Makes one file of the whole run from the pictures' pieces, in their order.

    None for what has a file for each picture.
    """


def _mask(result: Segmentation[Any], row: Mapping[str, Any]) -> bytes:  # noqa: ARG001
    return png_bytes(result.mask)


def _overlay(result: Segmentation[Any], row: Mapping[str, Any]) -> bytes:  # noqa: ARG001
    return jpeg_bytes(result.overlay())


def _contours(result: Segmentation[Any], row: Mapping[str, Any]) -> bytes:
    return contours_bytes(row, result.contours())


KINDS = {
    kind.name: kind
    for kind in (
        Kind("mask", MASK, _mask),
        Kind("overlay", OVERLAY, _overlay),
        Kind("contours", CONTOURS, _contours, described=True),
    )
}
"""The kinds of outputs that a picture may have, by their names."""

VIDEO_ENDINGS = {
    "masks": "_masks",
    "track": "_track.csv",
    "overlay": "_overlay.mp4",
    "contours": "_contours.jsonl",
}
"""The endings of the names of a video's outputs; "masks" is a folder."""
