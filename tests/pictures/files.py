"""Picture files made by OpenCV and Pillow, and how a test asks for a refusal."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from aernet import SourceError
from aernet.pictures import decode_picture, read_picture


def encode(suffix, picture, *parameters):
    return cv2.imencode(suffix, picture, parameters)[1].tobytes()


def saved(picture, file_format, mode="RGB", **options):
    """Save BGR pixels by Pillow; an Image as it is."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture[..., ::-1].copy())
    file = io.BytesIO()
    (image if isinstance(picture, Image.Image) else image.convert(mode)).save(file, file_format, **options)
    return file.getvalue()


def refused(path):
    with pytest.raises(SourceError) as error:
        read_picture(path)
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def refusal(data):
    """Return why data are no picture; nothing else may be said."""
    with pytest.raises(SourceError, match=r"^the file: [^\n]+$") as error:
        decode_picture(data, "the file")
    return str(error.value)


def difference(data, picture):
    """Return the mean difference of a decoded file from a picture."""
    decoded = decode_picture(data, "a")
    assert decoded.dtype == np.uint8
    assert decoded.shape == picture.shape
    return np.abs(decoded.astype(int) - picture).mean()


def with_tag(tiff, tag, value):
    """Change the value of a tag in the first directory of a little-endian TIFF."""
    changed = bytearray(tiff)
    (directory,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from("<H", tiff, entry) == (tag,):
            struct.pack_into("<HII", changed, entry + 2, 4, 1, value)
            return bytes(changed)
    raise KeyError(tag)
