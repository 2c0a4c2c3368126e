"""Colours as a viewer shows them: every picture becomes sRGB."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.pictures.raster import Unusable
from aernet.srgb import adaptation, linear_light

if TYPE_CHECKING:
    from aernet.pictures.raster import Mode, Pixels, Raster

_log = logging.getLogger(__name__)

# x and y of white, red, green and blue.
_SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_DISPLAY_P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
_BT2020 = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)

# ITU-T H.273. The primaries of SD television (5 to 7) are taken as those of sRGB, and the curves of
# television (1, 6, 14, 15) as that of sRGB, as viewers do; 2 is unspecified.
_PRIMARIES = dict.fromkeys((1, 2, 5, 6, 7), _SRGB) | {9: _BT2020, 12: _DISPLAY_P3}
_EXPONENTS = dict.fromkeys((1, 2, 6, 13, 14, 15), None) | {4: 2.2, 5: 2.8, 8: 1.0}
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}

# libpng's own tolerance, within which it leaves the values as they are.
_SAME_EXPONENT = 0.05
_SAME_PRIMARIES = 0.005
_SAME_VALUE = 2

_SPACE_OF_MODE = {"gray": "GRAY", "bgr": "RGB", "cmyk": "CMYK", "lab": "Lab"}


@dataclass(frozen=True)
class ColourSpace:
    """Primaries and a curve that are not those of sRGB."""

    exponent: float | None
    """Linear light is the value to this power; None is the curve of sRGB."""

    primaries: tuple[float, ...] | None
    """x and y of white, red, green and blue; None are those of sRGB."""

    @staticmethod
    def of(exponent: float | None, primaries: tuple[float, ...] | None) -> ColourSpace | None:
        """Return the space, or None if it is sRGB as nearly as matters."""
        if exponent is not None and abs(exponent / 2.2 - 1) <= _SAME_EXPONENT:
            exponent = None
        if primaries is not None and np.abs(np.subtract(primaries, _SRGB)).max() <= _SAME_PRIMARIES:
            primaries = None
        return None if exponent is None and primaries is None else ColourSpace(exponent, primaries)


def are_primaries(corners: tuple[float, ...]) -> bool:
    """Tell whether x and y of white, red, green and blue are those of lights that mix to this white."""
    if min(corners) < 0 or min(corners[1::2]) <= 0:
        return False
    columns = np.stack([_white(*corners[at : at + 2]) for at in (2, 4, 6)], axis=1)
    try:
        return bool(np.all(np.linalg.solve(columns, _white(*corners[:2])) > 0))
    except np.linalg.LinAlgError:
        return False


def from_code_points(primaries: int, transfer: int) -> ColourSpace | None:
    """Return the space of two code points of ITU-T H.273, None if it is sRGB.

    Raises:
        Unusable: it has a high dynamic range, or is not known.
    """
    if transfer in _HIGH_DYNAMIC_RANGE:
        raise Unusable(
            f"it has a high dynamic range ({_HIGH_DYNAMIC_RANGE[transfer]}); save it in sRGB with 8 bits"
        )
    if primaries not in _PRIMARIES or transfer not in _EXPONENTS:
        raise Unusable(
            f"its colour space is not known here (primaries {primaries}, transfer {transfer} of H.273);"
            " save it in sRGB"
        )
    return ColourSpace.of(_EXPONENTS[transfer], _PRIMARIES[primaries])


def to_srgb(raster: Raster, name: str) -> Pixels:
    """Return the pixels of a raster in sRGB, BGR, H x W x 3; pixels in sRGB are not touched.

    An ICC profile that is damaged, or made for pixels of another kind, is ignored with a warning.
    """
    if raster.mode == "lab":
        return _apply(_transform_of_lab(), raster.pixels, "lab")
    if raster.profile:
        try:
            space, transform, is_srgb = _transform_of(raster.profile)
        except _unusable_profile() as error:
            _log.warning("%s: its ICC profile is ignored, because it is damaged (%s)", name, error)
        else:
            pixels, mode = raster.pixels, raster.mode
            if mode == "gray" and space == "RGB":
                pixels, mode = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False), "bgr"
            if mode == "bgr" and space == "GRAY" and _is_gray(pixels):
                pixels, mode = np.ascontiguousarray(pixels[..., 0]), "gray"
            if space != _SPACE_OF_MODE[mode]:
                _log.warning("%s: its ICC profile is ignored, because it is for %s", name, space)
            elif not is_srgb:
                return _apply(transform, pixels, mode)
        return _to_bgr(raster.pixels, raster.mode)
    pixels = _to_bgr(raster.pixels, raster.mode)
    return pixels if raster.space is None or raster.mode == "cmyk" else _from_space(pixels, raster.space)


def _is_gray(pixels: Pixels) -> bool:
    blue, green, red = cv2.split(pixels)
    return np.array_equal(blue, green) and np.array_equal(green, red)


def _to_bgr(pixels: Pixels, mode: Mode) -> Pixels:
    if mode == "gray":
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    if mode == "cmyk":
        ink = pixels.astype(np.uint16)
        rgb = (255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255
        return np.ascontiguousarray(np.rint(rgb).astype(np.uint8)[..., ::-1])
    return pixels


def _unusable_profile() -> tuple[type[Exception], ...]:
    from PIL import ImageCms  # noqa: PLC0415 - importing aernet does without

    return (ImageCms.PyCMSError, OSError, ValueError)


@lru_cache(maxsize=8)
def _transform_of(profile: bytes) -> tuple[str, Any, bool]:
    """Return the colour space of an ICC profile, its transform to sRGB, and whether that changes nothing."""
    from PIL import ImageCms  # noqa: PLC0415

    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = str(opened.profile.xcolor_space).strip()
    pillow_mode = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}.get(space)
    if pillow_mode is None:
        raise ValueError(f"a profile for {space}")
    transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), pillow_mode, "RGB")
    return space, transform, _changes_nothing(transform, space)


@lru_cache(maxsize=1)
def _transform_of_lab() -> Any:
    from PIL import ImageCms  # noqa: PLC0415

    return ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )


def _changes_nothing(transform: Any, space: str) -> bool:
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    if space == "RGB":
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        return bool(np.abs(_apply(transform, probe, "bgr").astype(int) - probe).max() <= _SAME_VALUE)
    if space == "GRAY":
        shown = _apply(transform, steps[np.newaxis], "gray")
        return bool(np.abs(shown.astype(int) - steps[np.newaxis, :, np.newaxis]).max() <= _SAME_VALUE)
    return False


def _apply(transform: Any, pixels: Pixels, mode: Mode) -> Pixels:
    """Transform pixels by LittleCMS, and return BGR."""
    from PIL import Image  # noqa: PLC0415

    height, width = pixels.shape[:2]
    stored = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if mode == "bgr" else pixels
    pillow_mode = {"gray": "L", "bgr": "RGB", "cmyk": "CMYK", "lab": "LAB"}[mode]
    image = Image.frombytes(pillow_mode, (width, height), stored.tobytes())
    shown = np.asarray(transform.apply(image))
    return cv2.cvtColor(shown, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)


def _from_space(pixels: Pixels, space: ColourSpace) -> Pixels:
    """Turn BGR of another space into sRGB; whites become white (Bradford)."""
    values = np.arange(256) / 255
    curve = linear_light(values) if space.exponent is None else values**space.exponent
    if space.primaries is None:
        return cv2.LUT(pixels, np.rint(255 * _curved(curve)).astype(np.uint8)).astype(np.uint8, copy=False)
    matrix = np.linalg.inv(_to_xyz(_SRGB)) @ _adapted(space.primaries)
    light = cv2.LUT(pixels, curve.astype(np.float32))
    shown = np.clip(cv2.transform(light, matrix[::-1, ::-1]), 0, 1)
    return np.asarray(np.rint(255 * _curved(shown)), np.uint8)


def _curved(light: Any) -> Any:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _white(x: float, y: float) -> Any:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _to_xyz(primaries: tuple[float, ...]) -> Any:
    columns = np.stack([_white(*primaries[at : at + 2]) for at in (2, 4, 6)], axis=1)
    return columns * np.linalg.solve(columns, _white(*primaries[:2]))


def _adapted(primaries: tuple[float, ...]) -> Any:
    """Return the matrix from linear RGB of a space to XYZ with the white of sRGB."""
    return adaptation(_white(*primaries[:2]), _white(*_SRGB[:2])) @ _to_xyz(primaries)
