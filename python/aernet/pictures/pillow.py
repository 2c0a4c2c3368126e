"""Pictures that Pillow decodes."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager, nullcontext
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.pictures.orientation import orientation_of
from aernet.pictures.raster import Raster, Unusable, refuse_depth, require_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

    from aernet.pictures.colour import ColourSpace

# The class of a format, because Image.open would warn of large pictures and try every format.
_CLASSES = {
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "heif": ("pi_heif", "HeifImageFile"),
    "jp2": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "pnm": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
}
_NAMES = {"jp2": "JPEG 2000", "pnm": "PNM", "webp": "WebP"}
_FEATURES = {"avif": "avif", "jp2": "jpg_2000", "webp": "webp"}
_DEPTHS = {"I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}
_warning_filters = threading.Lock()


def decode_by_pillow(
    kind: str, data: bytes, *, orientation: int | None = None, space: ColourSpace | None = None
) -> Raster:
    """Decode the first picture of a file; without an orientation, that of its EXIF data counts.

    Raises:
        Unusable: it is damaged, cut short, absurdly large, or does not have 8 bits a channel.
    """
    image = open_by_pillow(kind, data)
    try:
        frames = getattr(image, "n_frames", 1)  # which goes through the whole of a GIF
    except Exception as error:  # noqa: BLE001 - decoders raise anything on damaged data
        raise _damaged(kind, error) from None
    first_of = f"{frames} pictures" if frames > 1 and kind != "heif" else ""
    return rasterise(load(image, kind), orientation, space, first_of)


def open_by_pillow(kind: str, data: bytes) -> Image.Image:
    """Open a file, and read nothing but its header.

    Raises:
        Unusable: the header is damaged, or claims an absurd size.
    """
    module, name = _CLASSES[kind]
    opener = getattr(import_module(module), name)
    try:
        with _without_warnings():
            image: Image.Image = opener(BytesIO(data))
    except Exception as error:  # noqa: BLE001 - decoders raise anything on damaged data
        raise _lacking(kind) or _damaged(kind, error) from None
    require_size(*image.size)
    return image


def load(image: Image.Image, kind: str) -> Image.Image:
    """Decode the pixels of an opened file.

    Raises:
        Unusable: they are damaged or cut short.
    """
    quietly = _without_warnings() if kind == "tiff" else nullcontext()
    try:
        with quietly:
            image.load()
    except Exception as error:  # noqa: BLE001 - decoders raise anything on damaged data
        raise _damaged(kind, error) from None
    return image


def rasterise(
    image: Image.Image, orientation: int | None = None, space: ColourSpace | None = None, first_of: str = ""
) -> Raster:
    """Return a loaded image as a raster.

    Raises:
        Unusable: it does not have 8 bits a channel.
    """
    if image.mode in _DEPTHS:
        raise refuse_depth(_DEPTHS[image.mode], "float" if image.mode == "F" else "uint")
    profile = image.info.get("icc_profile") or None
    if orientation is None:
        orientation = orientation_of(image.info.get("exif") or b"")
    shown = _expanded(image)
    pixels: Any = np.asarray(shown)
    alpha = None
    if shown.mode in {"LA", "RGBA"}:
        alpha = np.ascontiguousarray(pixels[..., -1])
    if shown.mode in {"RGB", "RGBA"}:
        code = cv2.COLOR_RGB2BGR if shown.mode == "RGB" else cv2.COLOR_RGBA2BGR
        return Raster(cv2.cvtColor(pixels, code), "bgr", alpha, orientation, profile, space, first_of)
    if shown.mode in {"L", "LA"}:
        gray = pixels if shown.mode == "L" else np.ascontiguousarray(pixels[..., 0])
        return Raster(gray, "gray", alpha, orientation, profile, space, first_of)
    return Raster(
        pixels, "cmyk" if shown.mode == "CMYK" else "lab", None, orientation, profile, space, first_of
    )


def _expanded(image: Image.Image) -> Image.Image:
    """Return an image in one of the modes L, LA, RGB, RGBA, CMYK and LAB."""
    if "transparency" in image.info or image.mode in {"PA", "RGBa"}:
        return image.convert("RGBA")
    if image.mode == "P":
        has_alpha = image.palette is not None and image.palette.mode == "RGBA"
        return image.convert("RGBA" if has_alpha else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "La":
        return image.convert("LA")
    return image if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK", "LAB"} else image.convert("RGB")


def _lacking(kind: str) -> Unusable | None:
    """Return the refusal of a format that this build of Pillow does not decode."""
    from PIL import features  # noqa: PLC0415 - importing aernet does without

    if kind not in _FEATURES or features.check(_FEATURES[kind]):
        return None
    name = _NAMES.get(kind, kind.upper())
    return Unusable(f"this Pillow is built without {name}; pip install --upgrade pillow")


def _damaged(kind: str, error: Exception) -> Unusable:
    name = _NAMES.get(kind, kind.upper())
    if isinstance(error, MemoryError):
        return Unusable(f"there is not enough memory to decode this {name}; save it smaller")
    if "unknown pixel mode" in str(error):
        return Unusable(
            f"the {name} has channels of a rare kind or number, which is not read here; save it as RGB"
        )
    reason = " ".join(str(error).split()) or type(error).__name__
    return Unusable(f"the {name} is damaged or cut short ({reason}); copy the file again")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep Pillow's warnings, which name no file, from the terminal; the filters are the process's own."""
    with _warning_filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
