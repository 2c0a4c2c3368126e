"""JPEG files, decoded by libjpeg-turbo, whose warnings count as errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.pictures.jpeg_markers import Headers, count_scans, has_end, lacks_scans, read_headers
from aernet.pictures.orientation import orientation_of
from aernet.pictures.raster import Raster, Unusable

if TYPE_CHECKING:
    from aernet.pictures.raster import Mode, Pixels

# Some cameras write these parameters, which only progressive files use, wrongly; libjpeg does not use them.
_HARMLESS = "Invalid SOS parameters for sequential JPEG"
_NO_END = "Premature end of JPEG file"
_END = b"\xff\xd9"

_MOST_SCANS = 200
"""Encoders write up to 20; each goes through the whole picture, even one of a few bytes."""


def decode_jpeg(data: bytes) -> Raster:
    """Decode a JPEG; one that lacks nothing but the marker of its end is whole.

    Raises:
        Unusable: it is damaged, cut short, or of a kind that libjpeg-turbo cannot decode.
    """
    headers = read_headers(data)
    _require_few_scans(data, headers)
    if headers.is_progressive and lacks_scans(data, headers):
        raise _cut_short(data, "scans are missing")
    mode: Mode = "cmyk" if len(headers.components) == 4 else "bgr"
    try:
        pixels = _decode(data, mode)
    except ValueError as error:
        pixels = _decode_despite(str(error), data, headers, mode)
    if mode == "cmyk":
        pixels = 255 - pixels  # Adobe's programs store ink inverted, and viewers expect it so.
    return Raster(pixels, mode, orientation=orientation_of(headers.exif), profile=headers.profile)


def require_whole(data: bytes) -> None:
    """Decode a JPEG within another file for its warnings alone.

    Raises:
        Unusable: it is damaged.
    """
    headers = read_headers(data)
    _require_few_scans(data, headers)
    try:
        _decode(data, "cmyk" if len(headers.components) == 4 else "bgr")
    except ValueError as error:
        raise Unusable(f"a JPEG within it is damaged ({error}); copy the file again") from None


def _require_few_scans(data: bytes, headers: Headers) -> None:
    if (scans := count_scans(data, headers)) > _MOST_SCANS:
        raise Unusable(f"the JPEG has {scans} scans, expected {_MOST_SCANS} at most; save it anew")


def _decode(data: bytes, mode: Mode, *, strict: bool = True) -> Pixels:
    import simplejpeg  # noqa: PLC0415 - importing aernet does without

    pixels: Pixels = simplejpeg.decode_jpeg(data, "CMYK" if mode == "cmyk" else "BGR", strict=strict)
    return pixels


def _decode_despite(reason: str, data: bytes, headers: Headers, mode: Mode) -> Pixels:
    """Decode a JPEG after libjpeg's first warning or error, if that does no harm."""
    try:
        if reason.startswith(_HARMLESS):
            return _decode(data, mode, strict=False)
        if reason == _NO_END and not lacks_scans(data, headers):
            return _decode(data + _END, mode)
    except ValueError as error:
        reason = str(error)
    if not has_end(data, headers):
        raise _cut_short(data, reason)
    raise Unusable(
        f"the JPEG is damaged ({reason}); copy the file again, or, if it looks whole, save it anew"
    )


def _cut_short(data: bytes, reason: str) -> Unusable:
    return Unusable(f"the JPEG is cut short after {len(data)} bytes ({reason}); copy the file again")
