"""Decodes a picture file, whatever its format, or refuses it by its name."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.pictures.alpha import on_white
from aernet.pictures.bmp import decode_bmp
from aernet.pictures.colour import to_srgb
from aernet.pictures.dicom import decode_dicom
from aernet.pictures.formats import recognise, what_it_is
from aernet.pictures.heif import decode_avif, decode_heif
from aernet.pictures.jpeg import decode_jpeg
from aernet.pictures.jpeg2000 import decode_jpeg2000
from aernet.pictures.orientation import upright
from aernet.pictures.pillow import decode_by_pillow, rasterise
from aernet.pictures.png import decode_png
from aernet.pictures.pnm import decode_pnm
from aernet.pictures.raster import MOST_PIXELS, Unusable, at_most
from aernet.pictures.tiff import decode_tiff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from PIL.Image import Image

    from aernet.pictures.formats import Format
    from aernet.pictures.raster import Pixels, Raster

_log = logging.getLogger(__name__)

_DECODERS: Mapping[Format, Callable[[bytes], Raster]] = {
    "avif": decode_avif,
    "bmp": decode_bmp,
    "dicom": decode_dicom,
    "gif": partial(decode_by_pillow, "gif"),
    "heif": decode_heif,
    "jp2": decode_jpeg2000,
    "jpeg": decode_jpeg,
    "png": decode_png,
    "pnm": decode_pnm,
    "tiff": decode_tiff,
    "webp": partial(decode_by_pillow, "webp"),
}


def read_picture(path: Path) -> Pixels:
    """Read a picture file and decode it; see `decode_picture`.

    Raises:
        SourceError: the file cannot be read, or is not a whole 8-bit picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # a NUL in the path
        raise SourceError(f"{str(path)!r}: cannot be read ({error})") from None
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str, most_pixels: int = MOST_PIXELS) -> Pixels:
    """Return a picture as a viewer shows it: uint8 BGR in sRGB, H x W x 3, upright, on white.

    Gray becomes BGR. Of several pages or frames the first full one is taken, with a warning. An alpha
    channel that is the same everywhere is dropped.

    Args:
        data: the content of a picture file; its format is known by its first bytes.
        name: the name of the picture in errors and warnings.
        most_pixels: a picture of more pixels is refused before it is decoded.

    Raises:
        SourceError: the data are empty, damaged, cut short, not a picture, or not 8 bits a channel.
    """
    with at_most(most_pixels):
        raster = decode_raster(data, name)
    try:
        return upright(on_white(to_srgb(raster, name), raster.alpha), raster.orientation)
    except Unusable as reason:
        raise SourceError(f"{name}: {reason}") from None


def picture_of_image(image: Image, name: str) -> Pixels:
    """Return a PIL image as `decode_picture` returns a file.

    Raises:
        SourceError: it is transparent everywhere, or does not have 8 bits a channel.
        OSError, ValueError, SyntaxError: Pillow's, where the image is read only now.
    """
    from PIL import ImageOps  # noqa: PLC0415 - importing aernet does without

    try:
        raster = rasterise(ImageOps.exif_transpose(image), orientation=1)
        return on_white(to_srgb(raster, name), raster.alpha)
    except Unusable as reason:
        raise SourceError(f"{name}: {reason}") from None


def decode_raster(data: bytes, name: str) -> Raster:
    """Return the pixels of a picture as they are stored; see `decode_picture`."""
    if not data:
        raise SourceError(f"{name}: the file is empty (0 bytes)")
    kind = recognise(data)
    if kind is None:
        what, remedy = what_it_is(data)
        raise SourceError(f"{name}: expected a picture, found {what}; {remedy}")
    try:
        raster = _DECODERS[kind](data)
    except Unusable as reason:
        raise SourceError(f"{name}: {reason}") from None
    if raster.first_of:
        _log.warning("%s: the first of %s is taken", name, raster.first_of)
    return raster
