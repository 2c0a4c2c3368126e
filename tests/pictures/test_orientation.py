"""Every orientation of every format, whatever OpenCV does with it."""

from __future__ import annotations

import io
import struct
import tracemalloc

import cv2
import numpy as np
import pytest
from pictures.files import difference, encode, saved
from PIL import Image

from aernet.pictures import decode_picture

# What has to be done to the stored picture to see it upright (EXIF 2.32, tag Orientation).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: np.rot90,
}


def segment(content):
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def exif(orientation, order=">"):
    """Return EXIF data as they stand in a JPEG, with the tag 0x0112 alone."""
    header = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HI", 42, 8)
    return b"Exif\0\0" + header + struct.pack(f"{order}HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("before", [b"", segment(b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")])
def test_jpeg(picture, orientation, order, before):
    jpeg = encode(".jpg", picture)
    turned = jpeg[:2] + before + segment(exif(orientation, order)) + jpeg[2:]
    stored = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_picture(turned, "a"), UPRIGHT[orientation](stored))


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("file_format", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 95})]
)
def test_exif_in_other_formats(picture, orientation, file_format, options):
    """Pillow writes the orientation of an AVIF as its properties irot and imir."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    data = saved(picture, file_format, exif=tags, **options)
    assert difference(data, UPRIGHT[orientation](picture)) < 3


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_tiff(picture, orientation, compression):
    data = saved(picture, "TIFF", tiffinfo={0x0112: orientation}, compression=compression)
    np.testing.assert_array_equal(decode_picture(data, "a"), UPRIGHT[orientation](picture))


@pytest.mark.parametrize(
    "tags",
    [
        exif(6)[:-4],
        exif(6)[:-4] + b"\0\0\xff\xff",
        exif(6)[:-4] + struct.pack(">I", 26) + b"\0\5\1",
        exif(6).replace(b"\0\1\1\x12", b"\0\3\1\x12")[:-4] + b"\1\x1a\0\5\0\0",
    ],
    ids=["no next directory", "next directory beyond the end", "next directory cut", "second entry cut"],
)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's
def test_what_is_damaged_behind_the_orientation_does_not_hide_it(picture, tags, file_format):
    """Pillow and OpenCV turn these pictures, too."""
    data = saved(picture, file_format, exif=tags)
    assert Image.open(io.BytesIO(data)).getexif()[0x0112] == 6
    np.testing.assert_array_equal(
        decode_picture(data, "a"), UPRIGHT[6](decode_picture(saved(picture, file_format), "a"))
    )


@pytest.mark.parametrize("damage", [exif(9), exif(0), exif(6)[:12], exif(6)[:20], b"Exif\0\0", b"Exif\0\0MM"])
def test_exif_that_says_nothing_turns_nothing(picture, damage):
    jpeg = encode(".jpg", picture)
    turned = jpeg[:2] + segment(damage) + jpeg[2:]
    np.testing.assert_array_equal(decode_picture(turned, "a"), decode_picture(jpeg, "a"))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.filterwarnings("ignore:Tag data larger than file")  # Pillow's
def test_tags_that_share_their_values_take_no_memory(picture, file_format):
    """As much as 5000 tags of 64 000 numbers, which are there once, would take gigabytes."""
    entries = [struct.pack("<HHII", 0x0112, 3, 1, 6)]
    entries += [struct.pack("<HHII", 1000 + index, 1, 60_000, 0) for index in range(5000)]
    tags = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + b"".join(entries) + bytes(4)
    data = saved(picture, file_format, exif=b"Exif\0\0" + tags)
    tracemalloc.start()
    try:
        decode_picture(data, "a")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
