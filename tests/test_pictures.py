from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from aernet import SourceError
from aernet.pictures import PICTURE_SUFFIXES, decode_picture, example_pictures, read_picture


@pytest.fixture
def picture():
    """Smooth, so that JPEG keeps it, and different in every corner and channel."""
    y, x = np.mgrid[:40, :64].astype(np.float32)
    return np.stack([4 * x, 6 * y, 255 - 2 * x - 3 * y], axis=-1).astype(np.uint8)


def encode(suffix, picture, *parameters):
    return cv2.imencode(suffix, picture, parameters)[1].tobytes()


def refused(path):
    with pytest.raises(SourceError) as error:
        read_picture(path)
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [suffix for suffix in PICTURE_SUFFIXES if suffix not in {".jpg", ".jpeg"}])
def test_lossless_pictures_come_back(tmp_path, picture, suffix):
    path = tmp_path / f"a{suffix}"
    parameters = (cv2.IMWRITE_WEBP_QUALITY, 101) if suffix == ".webp" else ()
    path.write_bytes(encode(suffix, picture, *parameters))
    read = read_picture(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, picture)


@pytest.mark.parametrize("progressive", [0, 1])
def test_jpeg_comes_back(tmp_path, picture, progressive):
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(".jpg", picture, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive))
    assert np.abs(read_picture(path).astype(int) - picture).mean() < 3


def test_real_pictures_are_read_as_opencv_reads_them(examples):
    assert examples
    for path in examples:
        np.testing.assert_array_equal(read_picture(path), cv2.imread(str(path)))


def test_the_examples_come_with_the_package(examples):
    assert [path.name for path in example_pictures()] == [path.name for path in examples]


def test_names_outside_ascii(tmp_path, picture):
    path = tmp_path / "Läsion 痣.png"
    path.write_bytes(encode(".png", picture))
    np.testing.assert_array_equal(read_picture(path), picture)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_gray_becomes_bgr_and_alpha_is_dropped(picture, suffix):
    gray = picture[..., 0]
    np.testing.assert_array_equal(
        decode_picture(encode(suffix, gray), "a"), cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    )
    alpha = np.dstack([picture, np.full(picture.shape[:2], 7, np.uint8)])
    np.testing.assert_array_equal(decode_picture(encode(suffix, alpha), "a"), picture)


def with_orientation(jpeg, orientation):
    """Put an APP1 segment with the EXIF tag 0x0112 behind the JPEG's start."""
    directory = struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0MM" + struct.pack(">HI", 42, 8) + directory
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


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


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(tmp_path, picture, orientation):
    jpeg = encode(".jpg", picture)
    path = tmp_path / "turned.jpg"
    path.write_bytes(with_orientation(jpeg, orientation))
    stored = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(read_picture(path), UPRIGHT[orientation](stored))


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_truncated_picture_is_refused(tmp_path, suffix, kept):
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 256, (120, 160, 3), np.uint8)
    data = encode(suffix, noisy)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(kept * len(data))])
    refused(path)


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("lost", [1, 2, 3, 100])
def test_a_jpeg_without_its_end_is_called_cut_short(tmp_path, examples, progressive, lost):
    data = encode(".jpg", cv2.imread(str(examples[0])), cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[:-lost])
    assert f"cut short after {len(data) - lost} bytes" in refused(path)


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(tmp_path, picture):
    jpeg, thumbnail = encode(".jpg", picture), encode(".jpg", picture[::4, ::4])
    whole = jpeg[:2] + b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + jpeg[2:]
    assert decode_picture(whole, "a").shape == picture.shape
    path = tmp_path / "cut.jpg"
    path.write_bytes(whole[:-200])
    assert "cut short" in refused(path)


def test_what_follows_the_end_does_no_harm(picture):
    for suffix in (".jpg", ".png"):
        data = encode(suffix, picture)
        np.testing.assert_array_equal(decode_picture(data + b"\0" * 99, "a"), decode_picture(data, "a"))


@pytest.mark.parametrize("lost", [1, 4, 12, 100])
def test_a_png_without_its_end_is_called_cut_short(tmp_path, picture, lost, capfd):
    path = tmp_path / "cut.png"
    path.write_bytes(encode(".png", picture)[:-lost])
    assert "cut short" in refused(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "content", [b"no picture", b"\0" * 1000, b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a"]
)
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    refused(path)


def test_an_empty_file_is_called_empty(tmp_path):
    path = tmp_path / "a.jpg"
    path.touch()
    assert "0 bytes" in refused(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_refused(tmp_path, picture, suffix, channels):
    path = tmp_path / f"deep{suffix}"
    path.write_bytes(encode(suffix, picture[..., :channels].astype(np.uint16) * 200))
    assert "expected 8 bits a channel, found 16 (uint16)" in refused(path)


def test_floats_are_refused(tmp_path, picture):
    path = tmp_path / "deep.tif"
    path.write_bytes(encode(".tif", picture.astype(np.float32)))
    assert "found 32 (float32)" in refused(path)


def test_what_cannot_be_read_is_named(tmp_path):
    assert "No such file" in refused(tmp_path / "none.png")
    assert "directory" in refused(tmp_path)
