"""Makes a frame of what a user gives as a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.errors import FrameError
from aernet.nv12 import Nv12Frame
from aernet.pictures import picture_of_image, read_picture

if TYPE_CHECKING:
    from typing import TypeGuard

    from PIL.Image import Image

    from aernet.arrays import AnyPicture, HostImage, Picture, PixelFormat

_BYTE = np.dtype(np.uint8)
_CHANNELS = (1, 3, 4)
_HOST = (1, 3)  # kDLCPU and kDLCUDAHost of DLPack


def as_frame(picture: AnyPicture, pixel_format: PixelFormat) -> Picture:
    """Return a picture as a runner takes it; an array of uint8 and what lies on a GPU stay what they are.

    Args:
        picture: as `Segmenter.__call__` takes it.
        pixel_format: in which files and PIL images are given back.

    Raises:
        FrameError: it is no picture, or is not of uint8.
        SourceError: its file cannot be read, or is no picture.
    """
    if type(picture) is np.ndarray and _is_frame(picture):  # nearly always
        return picture
    if isinstance(picture, Nv12Frame):
        return picture
    if isinstance(picture, (str, os.PathLike)):
        return _ordered(read_picture(Path(picture)), pixel_format)
    if _is_pil_image(picture):
        return _ordered(_bgr_of(picture), pixel_format)
    given: Any = picture
    try:
        device: Picture | None = given if _lies_on_a_device(given) else None
        array = None if device is not None else _array_of(given)
    except Exception as error:  # noqa: BLE001 - that of another library
        raise FrameError(
            f"frame: expected uint8, H x W x 3, but the {type(given).__name__} gives no array"
            f" ({str(error).strip().splitlines()[0] if str(error) else type(error).__name__})"
        ) from None
    if device is not None:
        return device  # which the runner wraps, or says that it cannot
    if array is None:
        raise FrameError(f"frame: expected a picture (array, PIL image, path), found {_found(given)}")
    if np.ma.is_masked(array):
        raise FrameError(
            "frame: expected a value in each pixel, found a masked array; fill it, as with .filled(255)"
        )
    array = np.ma.getdata(array)
    if not _is_frame(array):
        raise FrameError(_refusal(array, pixel_format))
    return array


def _is_frame(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array may be a frame, as far as its type and the number of its channels tell."""
    return array.dtype == _BYTE and (array.ndim < 3 or (array.ndim == 3 and array.shape[2] in _CHANNELS))


def _refusal(array: np.ndarray[Any, Any], pixel_format: PixelFormat) -> str:
    """Return what was expected, what an array is, and what would make it a frame."""
    remedies = []
    if array.dtype != _BYTE:
        remedies.append("scale its values to 0 to 255 and convert it to uint8")
    if array.ndim > 3:
        remedies.append("give several frames to `batch`")
    elif array.ndim == 3 and array.shape[2] not in _CHANNELS:
        first = array.shape[0] in _CHANNELS
        remedies.append("move its channels to the end" if first else "give it 1, 3 or 4 channels")
    layouts = "H x W x 3, H x W x 4 (the fourth is ignored) or H x W (gray)"
    expected = "NV12, (H * 3 / 2) x W" if pixel_format == "nv12" else layouts
    shape = " x ".join(map(str, array.shape)) or "a single number"
    return f"frame: expected uint8, {expected}, found {array.dtype}, {shape}; {', and '.join(remedies)}"


def _lies_on_a_device(picture: Any) -> bool:
    if hasattr(picture, "__dlpack_device__") and picture.__dlpack_device__()[0] not in _HOST:
        return True
    return hasattr(picture, "__cuda_array_interface__")


def _array_of(picture: Any) -> np.ndarray[Any, Any] | None:
    """Return what lies in the host's memory as an array, without a copy where it offers that."""
    if isinstance(picture, np.ndarray):
        return picture
    if hasattr(picture, "__array__") or hasattr(picture, "__array_interface__"):
        return np.asarray(picture)
    return np.from_dlpack(picture) if hasattr(picture, "__dlpack__") else None


def _found(given: object) -> str:
    """Return what was given instead of a picture, and what to do."""
    if given is None:
        return "None, as cv2.imread returns for a file that it cannot read; check its path, or give the path"
    name = type(given).__name__
    if isinstance(given, cv2.VideoCapture):
        return f"{name}; give it to `stream`"
    if isinstance(given, (list, tuple, Iterator)):
        return f"{name}; give several frames to `batch`, and those of a video to `stream`"
    if isinstance(given, (bytes, bytearray, memoryview)):
        return f"{name}; decode them, as cv2.imdecode does"
    return name


def _ordered(picture: HostImage, pixel_format: PixelFormat) -> HostImage:
    """Return a BGR picture, H x W x 3, in the order of channels that a segmenter takes."""
    if pixel_format == "nv12":
        raise FrameError(
            "frame: expected NV12, found a picture file or PIL image; make the Segmenter with colour='bgr'"
        )
    if pixel_format == "bgr":
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _is_pil_image(picture: object) -> TypeGuard[Image]:
    """Tell whether a picture is PIL's; who has one has imported PIL."""
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(picture, pil.Image)


def _bgr_of(image: Image) -> HostImage:
    """Return a PIL image as its file would be read: upright, in sRGB, white behind what is transparent."""
    if image.mode.startswith(("I", "F")):
        raise FrameError(
            f"frame: expected 8 bits a channel, found a PIL image of mode {image.mode!r};"
            " scale its values to 0 to 255 and convert it to 'L'"
        )
    try:
        return picture_of_image(image, "frame")
    except (OSError, ValueError, SyntaxError) as error:
        raise FrameError(f"frame: the PIL image of mode {image.mode!r} cannot be read ({error})") from None
