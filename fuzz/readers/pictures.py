"""Picture files of every format."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from aernet.pictures import decode_picture

if TYPE_CHECKING:
    from pathlib import Path

MOST_PIXELS = (
    1 << 24
)  # what the service would say for a small machine; more takes time and shows nothing else


def read(data: bytes, _folder: Path) -> None:
    picture = decode_picture(data, "picture", MOST_PIXELS)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3


def seeds() -> dict[str, bytes]:
    image = Image.fromarray(noise())
    kinds = {"PNG": {}, "JPEG": {"exif": _exif()}, "BMP": {}, "GIF": {}, "WEBP": {}, "PPM": {}, "AVIF": {}}
    kinds |= {"JPEG2000": {}, "TIFF": {"compression": "tiff_lzw"}}
    found = {kind.lower(): _saved(image, kind, **options) for kind, options in kinds.items()}
    found["png-alpha"] = _saved(Image.fromarray(noise(channels=4)), "PNG")
    found["png-palette"] = _saved(image.convert("P"), "PNG")
    found["jpeg-gray-progressive"] = _saved(image.convert("L"), "JPEG", progressive=True)
    found["jpeg-cmyk"] = _saved(image.convert("CMYK"), "JPEG")
    found["tiff-deflate"] = _saved(image, "TIFF", compression="tiff_adobe_deflate")
    others = [Image.fromarray(noise(seed=seed)) for seed in (1, 2)]
    for kind in ("AVIF", "GIF", "PNG", "WEBP"):
        found[f"{kind.lower()}-moving"] = _saved(image, kind, save_all=True, append_images=others)
    return found


def noise(height: int = 12, width: int = 16, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Return smooth noise, uint8, H x W x C."""
    small = np.random.default_rng(seed).integers(0, 256, (3, 4, channels), np.uint8)
    layers = [
        np.asarray(Image.fromarray(small[..., layer]).resize((width, height), Image.Resampling.BILINEAR))
        for layer in range(channels)
    ]
    return np.dstack(layers)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation
    return exif


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
