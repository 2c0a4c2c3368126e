"""A damaged file is refused, and its reason is said, however much of it can be decoded."""

from __future__ import annotations

import io
import re
import struct
from contextlib import suppress

import cv2
import numpy as np
import pytest
from pictures.files import difference, encode, refusal, refused, saved, with_tag
from PIL import Image

from aernet.errors import SourceError
from aernet.pictures import codestream, decode_picture


@pytest.mark.parametrize("suffix", [".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"])
@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_truncated_picture_is_refused(tmp_path, suffix, kept):
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 256, (120, 160, 3), np.uint8)
    data = encode(suffix, noisy)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(kept * len(data))])
    refused(path)


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("lost", [3, 100, 9000])
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


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_that_lacks_nothing_but_its_end_is_read(skin, progressive, lost):
    data = encode(".jpg", skin, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    np.testing.assert_array_equal(decode_picture(data[:-lost], "a"), decode_picture(data, "a"))


def test_a_jpeg_of_which_half_a_scan_is_lost_is_refused_with_libjpegs_reason(skin, capfd):
    data = encode(".jpg", skin)
    half = len(data) // 2
    assert "premature end of data segment" in refusal(data[:half] + b"\xff\xd9")
    assert "Corrupt JPEG data" in refusal(data[:half] + bytes(len(data) - half - 2) + b"\xff\xd9")
    overwritten = data[:half] + bytes(60) + data[half + 60 :]
    assert "the JPEG is damaged" in refusal(overwritten)
    assert capfd.readouterr().err == ""


def test_a_progressive_jpeg_without_its_last_scans_is_refused(skin):
    data = encode(".jpg", skin, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 4
    for cut in (scans[1], scans[-1]):
        assert "scans are missing" in refusal(data[:cut])
        assert "scans are missing" in refusal(data[:cut] + b"\xff\xd9")


@pytest.mark.parametrize(
    ("marker", "name"), [(0xF7, "a JPEG-LS file"), (0xC3, "a lossless JPEG"), (0xC5, "a hierarchical JPEG")]
)
def test_rare_kinds_of_jpeg_are_refused_by_name(skin, marker, name):
    data = encode(".jpg", skin)
    assert name in refusal(data.replace(b"\xff\xc0", bytes([0xFF, marker]), 1))


def test_a_jpeg_of_12_bits_is_refused(skin):
    data = encode(".jpg", skin)
    frame = data.index(b"\xff\xc0")
    assert "found 12" in refusal(data[: frame + 4] + b"\x0c" + data[frame + 5 :])


def test_a_damaged_chunk_of_a_png_is_named(skin, capfd):
    data = bytearray(encode(".png", skin))
    data[len(data) // 2] ^= 0x10
    assert "chunk 'IDAT'" in refusal(bytes(data))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "lzma", "zstd", "jpeg"])
def test_a_damaged_strip_of_a_tiff_is_refused_without_a_word_of_libtiffs(skin, compression, capfd):
    large = cv2.resize(skin, (640, 480))
    whole = saved(large, "TIFF", compression=compression)
    assert difference(whole, large) < 3
    directory = Image.open(io.BytesIO(whole)).tag_v2
    strip, size = directory[273][-1], directory[279][-1]
    for damage in (bytes(size // 2), b"\xff" * (size // 2)):
        damaged = whole[: strip + size // 4] + damage + whole[strip + size // 4 + len(damage) :]
        assert "damaged" in refusal(damaged)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("file_format", ["AVIF", "GIF", "PNG", "WEBP"])
def test_a_moving_picture_is_decoded_or_refused_wherever_it_is_cut(skin, file_format):
    small = skin[::8, ::8]
    frames = [Image.fromarray(np.roll(small, turn, 1)[..., ::-1].copy()) for turn in range(4)]
    data = saved(frames[0], file_format, save_all=True, append_images=frames[1:])
    decoded = 0
    for size in range(20, len(data), max(len(data) // 300, 1)):
        with suppress(SourceError):
            decoded += decode_picture(data[:size], "cut").shape == small.shape
    assert decoded < 300
    assert decode_picture(data, "whole").shape == small.shape


@pytest.mark.parametrize("file_format", ["AVIF", "GIF", "JPEG2000", "PPM", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.98])
def test_other_formats_cut_short_are_refused(skin, file_format, kept, capfd):
    data = saved(skin, file_format)
    assert "copy the file again" in refusal(data[: int(kept * len(data))])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("scans", [100, 250])
def test_a_jpeg_of_many_passes_is_refused(scans):
    """Each of a few bytes takes as long as a pass over the whole picture, and 2646 of them are sound."""
    data = jpeg_of_scans(256, scans)
    if scans < 200:
        assert "scans are missing" in refusal(data)  # this far it was read
    else:
        assert f"the JPEG has {scans + 1} scans, expected 200 at most" in refusal(data)
        tiff = saved(Image.new("RGB", (256, 256)), "TIFF", compression="jpeg")
        assert f"has {scans + 1} scans" in refusal(with_strip(tiff, data))


def jpeg_of_scans(side, scans):
    """Return a progressive JPEG in gray: one pass for all means, the others for a bit of a frequency each."""

    def segment(marker, content):
        return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content

    blocks = (side // 8) ** 2
    passes = [(k, high) for k in range(1, 64) for high in range(14)][:scans]
    return b"".join(
        [
            b"\xff\xd8",
            segment(0xDB, b"\0" + bytes([1] * 64)),
            segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"),
            segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0"),
            segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + bytes([16 * (blocks.bit_length() - 1)])),
            segment(0xDA, b"\1\1\0\0\0\0") + bytes(blocks // 8),
            *(
                segment(0xDA, bytes([1, 1, 0, k, k, (14 - high) % 14 << 4 | 13 - high])) + bytes(2)
                for k, high in passes
            ),
            b"\xff\xd9",
        ]
    )


def with_strip(tiff, strip):
    """Return a little-endian TIFF of one strip with another strip behind it in that one's place."""
    tiff = with_tag(with_tag(tiff, 273, len(tiff)), 279, len(strip))
    return with_tag(tiff, 278, 256) + strip


@pytest.mark.parametrize("no_jp2", [True, False])
@pytest.mark.parametrize("ends", [b"", b"\xff\xd9"])
def test_a_jpeg_2000_that_lacks_tiles_is_refused(skin, no_jp2, ends):
    """OpenJPEG shows those that are there, and black."""
    data = saved(skin, "JPEG2000", tile_size=(32, 32), no_jp2=no_jp2)
    assert difference(data, skin) == 0
    places = [found.start() for found in re.finditer(rb"\xff\x90\0\x0a", data)]
    assert len(places) > 4
    for cut in (places[1], places[-1]):
        assert f"of its {len(places)} tiles are there" in refusal(data[:cut] + ends)


def test_a_jpeg_2000_of_tiny_blocks_is_refused(skin):
    """Less than 200 bytes took more than 5 GiB."""
    data = saved(skin, "JPEG2000", no_jp2=True, codeblock_size=(4, 4))
    assert difference(data, skin) == 0
    size, coding = data.index(b"\xff\x51"), data.index(b"\xff\x52")
    sides = struct.pack(">II", 2000, 2000)
    large = data[: size + 6] + sides + data[size + 14 : size + 22] + sides + data[size + 30 :]
    (length,) = struct.unpack_from(">H", data, coding + 2)
    end, levels = coding + 2 + length, data[coding + 9]
    segment = struct.pack(">HB", length + levels + 1, data[coding + 4] | 1) + large[coding + 5 : end]
    segment = segment[:-4] + b"\4\4" + segment[-2:] + b"\x11" * (levels + 1)
    assert "blocks of 4 pixels" in refusal(large[: coding + 2] + segment + large[end:])


def test_precincts_that_halve_with_each_level_are_not_tiny(skin, monkeypatch):
    data = saved(skin, "JPEG2000", precinct_size=(128, 128), num_resolutions=6)
    monkeypatch.setattr(codestream, "_MOST_BLOCKS", np.asarray(skin).size // 64**2)  # those of 64 x 64 pixels
    assert difference(data, skin) == 0


def test_the_greatest_value_of_a_pnm_may_have_any_number_of_digits():
    assert "found 16 (uint16)" in refusal(b"P5 1 1 " + b"9" * 5000 + b"\n\0")
    assert "damaged" in refusal(b"P5 " + b"9" * 5000 + b" 1 255\n\0")
