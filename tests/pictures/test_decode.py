from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from pictures.files import difference, encode, refusal, refused, saved, with_tag
from PIL import Image

from aernet import SourceError
from aernet.pictures import decode_picture, example_pictures, read_picture


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".tif", ".tiff", ".webp"])
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
    path.write_bytes(saved(Image.fromarray(picture[..., 0].astype(np.float32)), "TIFF"))
    assert "found 32 (float32)" in refused(path)


def test_what_cannot_be_read_is_named(tmp_path):
    assert "No such file" in refused(tmp_path / "none.png")
    assert "directory" in refused(tmp_path)


@pytest.mark.parametrize("sampling", [0x411111, 0x221111, 0x211111, 0x121111, 0x111111])
def test_jpegs_of_every_sampling_are_read_as_opencv_reads_them(skin, sampling):
    data = encode(".jpg", skin, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_picture(data, "a"), stored)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_in_gray_and_cmyk(skin, mode):
    expected = (
        cv2.cvtColor(cv2.cvtColor(skin, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) if mode == "L" else skin
    )
    assert difference(saved(skin, "JPEG", mode, quality=95), expected) < 3


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("AVIF", {"quality": 95}),
        ("BMP", {}),
        ("GIF", {}),
        ("JPEG2000", {}),
        ("PPM", {}),
        ("WEBP", {"quality": 95}),
    ],
)
def test_other_formats(skin, file_format, options):
    assert difference(saved(skin, file_format, **options), skin) < 3


@pytest.mark.parametrize("file_format", ["BMP", "GIF", "PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["1", "P"])
def test_few_colours(skin, file_format, mode):
    few = Image.fromarray(skin[..., ::-1].copy()).convert(mode)
    expected = np.asarray(few.convert("RGB"))[..., ::-1]
    assert difference(saved(few, file_format), expected) == 0


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_the_first_of_several_pictures_is_taken_and_said(skin, file_format, caplog):
    options = {"lossless": True} if file_format == "WEBP" else {}
    other = Image.fromarray(255 - skin[..., ::-1])
    data = saved(skin, file_format, save_all=True, append_images=[other], **options)
    assert difference(data, skin) < 3
    kind = "pages" if file_format == "TIFF" else "pictures"
    assert [record.getMessage() for record in caplog.records] == [f"a: the first of 2 {kind} is taken"]


def test_transparent_pixels_are_white_whatever_they_hide(skin):
    alpha = np.full(skin.shape[:2], 255, np.uint8)
    alpha[:80], alpha[80:90] = 0, 128
    for hidden in (0, 200):
        stored = np.dstack([skin, alpha])
        stored[:80, :, :3] = hidden
        shown = decode_picture(encode(".png", stored), "a")
        assert (shown[:80] == 255).all()
        assert np.abs(shown[80:90].astype(float) - (skin[80:90] / 2 + 127.5)).max() < 2
        np.testing.assert_array_equal(shown[90:], skin[90:])


def test_what_is_transparent_everywhere_is_refused(skin):
    assert "every pixel is transparent" in refusal(encode(".png", np.dstack([skin, 0 * skin[..., 0]])))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "PPM", "JPEG2000"])
def test_an_absurd_size_is_refused_before_memory_is_taken(skin, file_format):
    data = saved(skin, file_format)
    if file_format == "JPEG":
        data = data.replace(struct.pack(">HH", 160, 240), struct.pack(">HH", 65535, 65535))
    elif file_format == "PNG":
        header = b"IHDR" + struct.pack(">II", 1 << 30, 1 << 30) + data[24:29]
        data = data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    elif file_format == "TIFF":
        data = with_tag(data, 256, 1 << 30)
    elif file_format == "PPM":
        data = data.replace(b"240 160", b"240000000 160000000")
    else:
        data = data.replace(struct.pack(">II", 160, 240), struct.pack(">II", 1 << 30, 1 << 30))
        data = data.replace(struct.pack(">II", 240, 160), struct.pack(">II", 1 << 30, 1 << 30))
    assert "it claims to have" in refusal(data)


def test_a_limit_of_the_caller_s_counts_for_this_call_alone(skin):
    for file_format in ("JPEG", "PNG", "TIFF", "PPM", "JPEG2000", "WEBP", "BMP", "GIF"):
        data = saved(skin, file_format)
        assert decode_picture(data, "it", most_pixels=160 * 240).shape == (160, 240, 3)
        with pytest.raises(SourceError, match=r"240 x 160 pixels, expected 38399 at most"):
            decode_picture(data, "it", most_pixels=160 * 240 - 1)
        assert decode_picture(data, "it").shape == (160, 240, 3)
