"""TIFF files: the right page, refusals by name, and damage that libtiff only mentions."""

from __future__ import annotations

import contextlib
import ctypes
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from aernet.pictures.directories import Directories
from aernet.pictures.jpeg import require_whole
from aernet.pictures.pillow import load, open_by_pillow, rasterise
from aernet.pictures.raster import Unusable, refuse_depth, require_size

if TYPE_CHECKING:
    from aernet.pictures.directories import Directory
    from aernet.pictures.raster import Raster

# Tags of TIFF 6.0 and its supplements.
_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _WIDTH, _HEIGHT = 254, 255, 256, 257
_BITS, _COMPRESSION, _PHOTOMETRIC = 258, 259, 262
_STRIPS, _STRIP_ROWS, _STRIP_SIZES, _SAMPLES, _PLANAR = 273, 278, 279, 277, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES, _SAMPLE_FORMAT, _JPEG_TABLES = 322, 323, 324, 325, 339, 347
_COLOR_MAP = 320
_DNG_VERSION = 50706
_TAGS = (
    *(_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS),
    *(_STRIP_ROWS, _STRIP_SIZES, _SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES),
    *(_SAMPLE_FORMAT, _JPEG_TABLES, _COLOR_MAP, _DNG_VERSION),
)

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_REDUCED_PAGE = 2  # SubfileType
_COLOUR_FILTERS, _LINEAR_RAW, _YCBCR = 32803, 34892, 6
_JPEG = 7
_DEEP = 256
_SEPARATE = 2  # PlanarConfiguration: a plane for each sample

_DECODED = {1, 2, 3, 4, 5, _JPEG, 8, 32773, 32946, 34925, 50000}
_COMPRESSIONS = {
    6: "old-style JPEG",
    9: "JBIG",
    10: "JBIG",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_PHOTOMETRICS = {
    0: "gray, white is 0",
    1: "gray",
    2: "RGB",
    3: "palette",
    5: "CMYK",
    _YCBCR: "YCbCr",
    8: "CIELAB",
}
_FORMATS = {2: "int", 3: "float", 5: "complex int", 6: "complex float"}
_SAVE = "save it uncompressed, or with LZW or deflate"


def decode_tiff(data: bytes) -> Raster:
    """Decode the first page of a TIFF that is neither a thumbnail nor a mask.

    Raises:
        Unusable: it is damaged, cut short, a camera's raw file, or of a kind that is not decoded.
    """
    directories = Directories(data, _TAGS)
    pages = directories.chain()
    if any(_DNG_VERSION in page for page in pages):
        raise Unusable("it is a DNG, a camera's raw file; develop it into JPEG, or into TIFF with 8 bits")
    if any(_is_raw(page) for top in pages for page in (top, *directories.below(top))):
        raise Unusable("it is a camera's raw file; develop it into JPEG, or into TIFF with 8 bits")
    full = [index for index, page in enumerate(pages) if not _is_secondary(page)]
    if not full:
        raise Unusable("the TIFF holds nothing but thumbnails; export the full picture")
    page = pages[full[0]]
    _require_decodable(page)
    _require_all_strips(page)
    if page.get(_COMPRESSION) == (_JPEG,):
        _require_whole_strips(data, page)
    _quieten_libtiff()
    image = open_by_pillow("tiff", data)
    if full[0]:
        try:
            image.seek(full[0])
        except (EOFError, OSError, SyntaxError, ValueError, KeyError) as error:
            raise Unusable(f"page {full[0] + 1} of the TIFF cannot be read ({error})") from None
    first_of = f"{len(full)} pages" if len(full) > 1 else ""
    load(image, "tiff")
    colours = page.get(_COLOR_MAP, ())
    if image.mode == "P" and max(colours, default=_DEEP) < _DEEP:  # 8 bits instead of 16, as libtiff takes it
        image.putpalette(np.reshape(colours, (3, -1)).T.astype(np.uint8).tobytes())
    # Pillow turns and mirrors TIFF files by itself.
    return rasterise(image, orientation=1, first_of=first_of)


def _is_raw(page: Directory) -> bool:
    return page.get(_PHOTOMETRIC) in {(_COLOUR_FILTERS,), (_LINEAR_RAW,)}


def _is_secondary(page: Directory) -> bool:
    kind = page.get(_NEW_SUBFILE_TYPE, (0,))[0]
    return bool(kind & (_REDUCED | _MASK)) or page.get(_SUBFILE_TYPE) == (_REDUCED_PAGE,)


def _require_decodable(page: Directory) -> None:
    require_size(*(page.get(tag, (0,))[0] for tag in (_WIDTH, _HEIGHT)))
    bits, sample_format = max(page.get(_BITS, (1,))), page.get(_SAMPLE_FORMAT, (1,))[0]
    if bits > 8 or sample_format in _FORMATS:
        raise refuse_depth(bits, _FORMATS.get(sample_format, "uint"))
    compression, photometric = page.get(_COMPRESSION, (1,))[0], page.get(_PHOTOMETRIC, (-1,))[0]
    if compression not in _DECODED:
        name = _COMPRESSIONS.get(compression, "a rare way")
        raise Unusable(f"the TIFF is compressed as {name} ({compression}), which is not read here; {_SAVE}")
    if photometric not in _PHOTOMETRICS:
        raise Unusable(f"the TIFF is of a rare colour space (photometric {photometric}); save it as RGB")
    if photometric == _YCBCR and compression != _JPEG:
        raise Unusable("the TIFF is in YCbCr without JPEG, which is not read here; save it as RGB")


def _require_all_strips(page: Directory) -> None:
    """Refuse strips or tiles that are not there, which Pillow would fill with whatever the file holds."""
    width, height = page[_WIDTH][0], page[_HEIGHT][0]
    offsets, sizes = page.get(_STRIPS, ()), page.get(_STRIP_SIZES, ())
    across, rows, kind = width, page.get(_STRIP_ROWS, (height,))[0], "strips"
    if not offsets:
        offsets, sizes = page.get(_TILES, ()), page.get(_TILE_SIZES, ())
        across, rows, kind = page.get(_TILE_WIDTH, (0,))[0], page.get(_TILE_HEIGHT, (0,))[0], "tiles"
    if not offsets or not across or not rows:
        return  # which Pillow refuses
    planes = page.get(_SAMPLES, (1,))[0] if page.get(_PLANAR) == (_SEPARATE,) else 1
    expected = -(-width // across) * -(-height // rows) * planes
    if len(offsets) == 1 or not sizes:
        sizes = offsets  # the size of a single strip may be unknown
    if len(offsets) > expected:
        raise Unusable(f"the TIFF is damaged: it names {len(offsets)} {kind} of {expected}; save it again")
    there = sum(offset > 0 and size > 0 for offset, size in zip(offsets, sizes, strict=False))
    if there < expected:
        raise Unusable(f"the TIFF lacks {expected - there} of its {expected} {kind}; copy or save it again")


def _require_whole_strips(data: bytes, page: Directory) -> None:
    """Decode each JPEG strip or tile for its warnings, which libtiff does not hand on."""
    tables = page.get(_JPEG_TABLES, ())
    offsets, sizes = page.get(_STRIPS, ()), page.get(_STRIP_SIZES, ())
    if not offsets:
        offsets, sizes = page.get(_TILES, ()), page.get(_TILE_SIZES, ())
    places = set(zip(offsets, sizes, strict=False))  # equal ones may share a place
    if sum(size for _, size in places) > len(data):
        raise Unusable(
            "the TIFF is damaged or cut short: its strips have more bytes than the file; copy it again"
        )
    for offset, size in places:
        strip = data[offset : offset + size]
        if len(strip) < size:
            raise Unusable("the TIFF is cut short: a strip lies beyond its end; copy the file again")
        require_whole(bytes(tables[:-2]) + strip[2:] if tables else strip)


@lru_cache(maxsize=1)
def _quieten_libtiff() -> None:
    """Keep the messages of Pillow's libtiff, which name no file, from the terminal; Pillow raises anyway.

    Where libtiff is not a library of its own, as on Windows, this does nothing.
    """
    from PIL import _imaging  # noqa: PLC0415 - importing aernet does without

    with contextlib.suppress(AttributeError, OSError, TypeError):
        libtiff = ctypes.CDLL(_imaging.__file__)
        libtiff.TIFFSetErrorHandler(None)
        libtiff.TIFFSetWarningHandler(None)
