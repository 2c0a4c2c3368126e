"""COCO's JSON of annotated pictures: a piece for each picture, and one file made of the pieces."""

from __future__ import annotations

import json
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from aernet.errors import SourceError
from aernet.exchange.checks import require_mask
from aernet.exchange.geojson import LABEL
from aernet.exchange.polygons import polygons
from aernet.exchange.slits import slit, stepwise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aernet.arrays import HostImage

_CATEGORY = 1
_PART = 1 << 20
_MOST_IN_MEMORY = 16 * _PART


def to_coco(
    mask: HostImage, name: str, score: float | None = None, outline: Literal["rle", "polygons"] = "rle"
) -> bytes:
    """Return a picture and its mask as a piece of a COCO file; see `join_coco`.

    All regions of the mask are one annotation, with `iscrowd` 0, as it is one thing. Its box and its area are
    counted in pixels by pycocotools.

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin. Without a lesion there is no annotation.
        name: the picture's file, as the program that reads the file knows it.
        score: how good the mask is, in [0, 1]; left out if it is None.
        outline: "rle" for run lengths, which are the mask; or "polygons", one for each region, along the
            sides of pixels. A polygon of COCO has no holes, so a slit of no width joins a hole to the border,
            and pycocotools gives back the mask.

    Raises:
        FrameError: the mask is no such array.
        ImportError: pycocotools is not installed.
    """
    from pycocotools import mask as run_lengths  # noqa: PLC0415 - only this format needs it

    require_mask(mask)
    height, width = mask.shape
    piece: dict[str, Any] = {"image": {"file_name": name, "width": width, "height": height}}
    if mask.any():
        encoded = run_lengths.encode(np.asfortranarray(mask // 255))
        annotation = {
            "category_id": _CATEGORY,
            "iscrowd": 0,
            "bbox": run_lengths.toBbox(encoded).tolist(),
            "area": int(run_lengths.area(encoded)),
            "segmentation": _polygons(mask)
            if outline == "polygons"
            else {"size": [height, width], "counts": encoded["counts"].decode("ascii")},
        }
        piece["annotation"] = annotation if score is None else {**annotation, "score": score}
    return json.dumps(piece, separators=(",", ":")).encode()


def join_coco(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Make one COCO file of the pieces of pictures, in their order, and yield it in parts.

    Pictures and annotations are numbered from 1. The only category is "lesion", with the number 1. Of many
    pictures the annotations wait in a temporary file.

    Raises:
        OSError: that file cannot be written.
        SourceError: a piece is none that `to_coco` returned.
    """
    with SpooledTemporaryFile(_MOST_IN_MEMORY) as annotations:  # they come last in the file
        annotated = 0
        yield b'{"images":['
        for number, piece in enumerate(map(_read, pieces), 1):
            yield b",\n"[2 * (number == 1) :] + _dumped({"id": number, **piece.image})
            if piece.annotation is not None:
                annotated += 1
                place = {"id": annotated, "image_id": number}
                annotations.write(b",\n"[2 * (annotated == 1) :] + _dumped({**place, **piece.annotation}))
        yield b'],\n"categories":[' + _dumped({"id": _CATEGORY, "name": LABEL, "supercategory": ""})
        yield b'],\n"annotations":['
        annotations.seek(0)
        yield from iter(partial(annotations.read, _PART), b"")
        yield b"]}\n"


class _Piece(msgspec.Struct):
    image: dict[str, Any]
    annotation: dict[str, Any] | None = None


def _read(piece: bytes) -> _Piece:
    try:
        return msgspec.json.decode(piece, type=_Piece)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SourceError(
            f"a piece of a COCO file is damaged ({error}); segment its picture again, with --overwrite"
        ) from error


def _polygons(mask: HostImage) -> list[list[int]]:
    """Return the regions as lists of x and y in turns."""
    lines = (
        slit(stepwise(exterior), [stepwise(hole) for hole in holes]) for exterior, holes in polygons(mask)
    )
    return [[number for corner in line for number in corner] for line in lines]


def _dumped(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
