"""A decoded picture before its colours, its alpha channel and its orientation are accounted for."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from aernet.pictures.colour import ColourSpace

    Pixels: TypeAlias = npt.NDArray[np.uint8]

Mode: TypeAlias = Literal["gray", "bgr", "cmyk", "lab"]

MOST_PIXELS = 1 << 28
"""The largest cameras of phones have 200 million."""

_most_pixels: ContextVar[int] = ContextVar("most_pixels", default=MOST_PIXELS)


class Unusable(Exception):  # noqa: N818 - a reason, which becomes a SourceError with the file's name
    """Why a file gives no picture, and what to do; `decode_picture` puts the file's name before it."""


@dataclass(frozen=True)
class Raster:
    """The pixels of a file as they are stored."""

    pixels: Pixels
    """uint8, H x W (gray), H x W x 3 (bgr; lab, a and b + 128) or H x W x 4 (cmyk, 255 is full ink)."""

    mode: Mode

    alpha: Pixels | None = None
    """uint8, H x W, 255 is opaque; the colours are not multiplied by it."""

    orientation: int = 1
    """As the EXIF tag Orientation, 1 to 8."""

    profile: bytes | None = None
    """The ICC profile of the pixels."""

    space: ColourSpace | None = None
    """What the pixels mean, where no ICC profile says it; None is sRGB."""

    first_of: str = ""
    """How many pictures the file holds if there are several, such as "3 pages"."""


@contextmanager
def at_most(pixels: int) -> Iterator[None]:
    """Let larger pictures be refused within the block, on this thread."""
    before = _most_pixels.set(pixels)
    try:
        yield
    finally:
        _most_pixels.reset(before)


def most_pixels() -> int:
    """Return the most pixels that a picture may have here."""
    return _most_pixels.get()


def require_size(width: int, height: int) -> None:
    """Refuse a picture that claims to be too large, before memory is taken for it."""
    if width < 1 or height < 1:
        raise Unusable(f"it claims to have {width} x {height} pixels, expected at least 1 x 1; save it anew")
    most = most_pixels()
    if width * height > most:
        raise Unusable(
            f"it claims to have {width} x {height} pixels, expected {most} at most; save it smaller"
        )


def refuse_depth(bits: int, kind: str = "uint") -> Unusable:
    """Return the refusal of a picture whose channels do not have 8 bits."""
    return Unusable(f"expected 8 bits a channel, found {bits} ({kind}{bits}); save it with 8")
