"""The right page of a TIFF, and the kinds that are refused by name."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pictures.files import difference, encode, refusal, saved, with_tag
from PIL import Image

from aernet.pictures import tiff

NEW_SUBFILE_TYPE, COMPRESSION, PHOTOMETRIC, EXTRA_SAMPLES = 254, 259, 262, 338
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTE_COUNTS = 273, 278, 279


def pages(*pictures_and_kinds):
    """Return a TIFF with a page for each picture, whose tag NewSubfileType is as given."""
    data = b""
    for picture, kind in pictures_and_kinds:
        page = bytearray(saved(picture, "TIFF", tiffinfo={NEW_SUBFILE_TYPE: kind}))
        data = append(data, bytes(page)) if data else bytes(page)
    return data


def append(tiff, page):
    """Chain the only page of one TIFF behind the pages of another."""
    shift = len(tiff) + len(tiff) % 2
    moved = bytearray(page)
    (directory,) = struct.unpack_from("<I", page, 4)
    (count,) = struct.unpack_from("<H", page, directory)
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind, number, value = struct.unpack_from("<HHII", page, entry)
        if sizes[kind] * number > 4 or tag == 273:
            struct.pack_into("<I", moved, entry + 8, value + shift)
            if tag == 273 and number > 1:
                offsets = struct.unpack_from(f"<{number}I", page, value)
                struct.pack_into(f"<{number}I", moved, value, *(offset + shift for offset in offsets))
    chained = bytearray(tiff + bytes(len(tiff) % 2) + moved)
    at = 4
    while (position := struct.unpack_from("<I", chained, at)[0]) != 0:
        at = position + 2 + 12 * struct.unpack_from("<H", chained, position)[0]
    struct.pack_into("<I", chained, at, directory + shift)
    return bytes(chained)


def test_a_thumbnail_is_not_the_picture(skin, caplog):
    assert difference(pages((skin[::4, ::4], 1), (skin, 0)), skin) == 0
    assert difference(pages((skin, 0), (skin[::4, ::4], 1)), skin) == 0
    assert caplog.records == []


def test_a_tiff_of_thumbnails_alone_is_refused(skin):
    assert "nothing but thumbnails" in refusal(pages((skin[::4, ::4], 1)))


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_raw_files_are_refused(skin, photometric):
    assert "a camera's raw file" in refusal(with_tag(saved(skin, "TIFF"), PHOTOMETRIC, photometric))
    raw = with_tag(pages((skin, 0)), PHOTOMETRIC, photometric)
    assert "a camera's raw file" in refusal(append(pages((skin[::4, ::4], 1)), raw))


def test_a_raw_page_below_a_thumbnail_is_found(skin):
    raw = with_tag(saved(skin, "TIFF"), PHOTOMETRIC, 32803)
    thumbnail = saved(skin[::4, ::4], "TIFF", tiffinfo={330: 0, NEW_SUBFILE_TYPE: 1})
    (directory,) = struct.unpack_from("<I", raw, 4)
    both = with_tag(append(thumbnail, raw), 330, len(thumbnail) + len(thumbnail) % 2 + directory)
    (first,) = struct.unpack_from("<I", both, 4)
    end = first + 2 + 12 * struct.unpack_from("<H", both, first)[0]
    assert "a camera's raw file" in refusal(both[:end] + bytes(4) + both[end + 4 :])


def test_a_dng_is_refused_by_name(skin):
    assert "it is a DNG" in refusal(saved(skin, "TIFF", tiffinfo={50706: b"\1\4\0\0"}))


@pytest.mark.parametrize(
    ("compression", "name"), [(34712, "JPEG 2000"), (34887, "LERC"), (6, "old-style JPEG"), (9999, "rare")]
)
def test_a_compression_that_is_not_read_is_named(skin, compression, name):
    message = refusal(with_tag(saved(skin, "TIFF"), COMPRESSION, compression))
    assert name in message
    assert str(compression) in message


def test_channels_that_are_not_read_are_no_damage(skin):
    data = with_tag(saved(skin, "TIFF", "CMYK"), PHOTOMETRIC, 8)  # CIELAB of four channels
    assert "channels of a rare kind or number" in refusal(data)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
def test_colours_that_were_multiplied_by_alpha_are_divided_by_it(skin, compression):
    stored = np.dstack([np.rint(skin / 2), np.full(skin.shape[:2], 128)]).astype(np.uint8)
    image = Image.fromarray(stored[..., [2, 1, 0, 3]])
    data = with_tag(saved(image, "TIFF", compression=compression), EXTRA_SAMPLES, 1)
    assert difference(data, skin) < 1.5


def test_white_may_be_zero(skin):
    gray = Image.fromarray(skin[..., 1])
    for compression in (None, "tiff_lzw"):
        data = with_tag(saved(gray, "TIFF", compression=compression), PHOTOMETRIC, 0)
        assert difference(data, 255 - np.repeat(skin[..., 1:2], 3, axis=2)) == 0


@pytest.mark.parametrize("end", [4, 9, 200])
def test_a_tiff_whose_directory_is_lost_is_cut_short(skin, end):
    data = encode(".tif", skin)
    assert "cut short" in refusal(data[: min(end, len(data))])


@pytest.mark.parametrize("tag", [256, 258, PHOTOMETRIC])
def test_a_tag_without_a_value_is_damage(skin, tag):
    """A damaged file must not end a run over a whole folder."""
    data = bytearray(saved(skin, "TIFF", tiffinfo={ROWS_PER_STRIP: 16}))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry) == (tag,):
            struct.pack_into("<I", data, entry + 4, 0)
    refusal(bytes(data))


def with_element(tiff, tag, index, value):
    """Change one number of a tag that has several, in the first directory of a little-endian TIFF."""
    changed = bytearray(tiff)
    (directory,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        found, kind, number, at = struct.unpack_from("<HHII", tiff, entry)
        if found == tag and number > 1:
            struct.pack_into(
                "<H" if kind == 3 else "<I", changed, at + (2 if kind == 3 else 4) * index, value
            )
            return bytes(changed)
    raise KeyError(tag)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_strip_that_is_not_there_is_told(skin, compression):
    """GDAL leaves out tiles like this; Pillow would show the file's header as a strip."""
    whole = saved(skin, "TIFF", compression=compression, tiffinfo={ROWS_PER_STRIP: 16})
    assert difference(whole, skin) == 0
    for tag in (STRIP_OFFSETS, STRIP_BYTE_COUNTS):
        assert "the TIFF lacks 1 of its " in refusal(with_element(whole, tag, 2, 0))
    assert "the TIFF lacks " in refusal(with_tag(whole, ROWS_PER_STRIP, 4))


def test_the_only_strip_may_leave_its_size_open(skin):
    """libtiff finds it from the picture's size."""
    data = saved(skin, "TIFF")
    assert difference(with_tag(data, STRIP_BYTE_COUNTS, 0), skin) == 0


def test_directories_that_overlap_are_refused():
    """A chain of 10 000 pages of 65 000 tags each, in less than a megabyte, would take hours to be read."""
    size, count = 65_000, 60
    places = range(8, 8 + 4 * count, 4)
    data = bytearray(struct.pack("<2sHI", b"II", 42, places[0]) + bytes(4 * count + 12 * size + 100))
    for at, following in zip(places, [*places[1:], 0], strict=True):
        struct.pack_into("<H", data, at, size)
        struct.pack_into("<I", data, at + 2 + 12 * size, following)
    assert "its directories overlap" in refusal(bytes(data))


def test_pages_that_share_the_places_of_their_strips_are_refused():
    page = struct.pack("<HHII", STRIP_OFFSETS, 4, 20_000, 8)
    directories, at = b"", 8 + 80_000
    for index in range(100):
        following = at + 18 * (index + 1) if index < 99 else 0
        directories += struct.pack("<H", 1) + page + struct.pack("<I", following)
    data = struct.pack("<2sHI", b"II", 42, at) + bytes(80_000) + directories
    assert "its directories overlap" in refusal(data)


def strips_of_jpeg(strip, height, places):
    """Return a gray TIFF, 8 pixels wide, whose strips of 8 rows lie at these places."""
    head = 8 + len(strip) + len(strip) % 2
    data = bytearray(struct.pack("<2sHI", b"II", 42, head + 8 * len(places)) + strip.ljust(head - 8, b"\0"))
    data += struct.pack(f"<{len(places)}I", *places) + struct.pack("<I", len(strip)) * len(places)
    if len(places) == 1:
        offsets, sizes = places[0], len(strip)
    else:
        offsets, sizes = head, head + 4 * len(places)
    tags = {256: 8, 257: height, 258: 8, COMPRESSION: 7, PHOTOMETRIC: 1, STRIP_OFFSETS: offsets, 277: 1}
    tags |= {ROWS_PER_STRIP: 8, STRIP_BYTE_COUNTS: sizes}
    data += struct.pack("<H", len(tags))
    for tag, value in tags.items():
        number = len(places) if tag in {STRIP_OFFSETS, STRIP_BYTE_COUNTS} else 1
        data += struct.pack("<HHII", tag, 4, number, value)
    return bytes(data) + bytes(4)


def test_a_strip_is_looked_at_once_and_none_beyond_the_picture(monkeypatch):
    """Each could be one JPEG of millions of pixels: a file of a megabyte would take half an hour."""
    flat = np.full((8, 8), 77, np.uint8)
    strip = encode(".jpg", flat)
    looked_at = []
    monkeypatch.setattr(tiff, "require_whole", looked_at.append)
    assert difference(strips_of_jpeg(strip, 8, [8]), np.full((8, 8, 3), 77)) <= 1
    assert difference(strips_of_jpeg(strip, 800, [8] * 100), np.full((800, 8, 3), 77)) <= 1
    assert looked_at == [strip, strip]
    assert "it names 1000 strips of 1" in refusal(strips_of_jpeg(strip, 8, [8] * 1000))
    overlapping = strips_of_jpeg(strip, 800, list(range(1, 101)))
    assert "its strips have more bytes than the file" in refusal(overlapping)
    assert looked_at == [strip, strip]


def test_of_a_tag_that_is_there_twice_the_first_counts(skin):
    """As for Pillow and libtiff, which decode what was looked at here."""
    data = saved(skin, "TIFF")
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    entries = data[directory + 2 : directory + 2 + 12 * count]
    second = struct.pack("<HHII", PHOTOMETRIC, 3, 1, 32803)
    moved = data + struct.pack("<H", count + 1) + entries + second + bytes(4)
    assert difference(moved[:4] + struct.pack("<I", len(data)) + moved[8:], skin) == 0


@pytest.mark.parametrize("deep", [1, 257])
def test_the_colours_of_a_palette_may_have_eight_bits(skin, deep):
    """Old programs write 8 bits instead of 16; libtiff takes values that are all below 256 as such."""
    image = Image.fromarray(skin[..., ::-1].copy()).quantize(256)
    data = saved(image, "TIFF")
    colours = np.reshape(image.getpalette(), (-1, 3)).T.ravel()
    stored = struct.pack("<768H", *(256 * colours))
    assert data.count(stored) == 1
    changed = data.replace(stored, struct.pack("<768H", *(deep * colours)))
    assert difference(changed, np.asarray(image.convert("RGB"))[..., ::-1]) == 0
