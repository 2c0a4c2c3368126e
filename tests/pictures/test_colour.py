"""What is stored in another colour space is shown in sRGB; the expected colours are computed here."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from pictures.files import difference, encode, saved
from PIL import Image, ImageCms

from aernet import SourceError
from aernet.pictures import decode_picture

# Matrices from linear light to XYZ of D50, as ICC profiles state them (Lindbloom).
TO_XYZ_D50 = {
    "sRGB": [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ],
    "Adobe": [
        [0.6097559, 0.2052401, 0.1492240],
        [0.3111242, 0.6256560, 0.0632197],
        [0.0194811, 0.0608902, 0.7448387],
    ],
    "P3": [
        [0.5151187, 0.2919778, 0.1571035],
        [0.2411892, 0.6922441, 0.0665668],
        [-0.0010505, 0.0418791, 0.7840713],
    ],
    "ProPhoto": [[0.7976749, 0.1351917, 0.0313534], [0.2880402, 0.7118741, 0.0000857], [0.0, 0.0, 0.8252100]],
}
EXPONENTS = {"sRGB": 2.2, "Adobe": 563 / 256, "P3": 2.2, "ProPhoto": 1.8}


def tag(kind, content):
    return kind + b"\0\0\0\0" + content


def fixed(*values):
    return b"".join(struct.pack(">i", round(65536 * value)) for value in values)


def profile(space, tags):
    """Return an ICC profile of version 2 for a display."""
    tags = {
        b"desc": tag(b"desc", struct.pack(">I", 5) + b"test\0" + bytes(79)),
        b"cprt": tag(b"text", b"none\0"),
        b"wtpt": tag(b"XYZ ", fixed(0.9642, 1, 0.8249)),
    } | tags
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = (
        struct.pack(
            ">I4sI4s4s4s12s4s",
            132 + 12 * len(tags) + len(body) - 4,
            b"none",
            0x02100000,
            b"mntr",
            space,
            b"XYZ ",
            bytes(12),
            b"acsp",
        )
        + bytes(28)
        + fixed(0.9642, 1, 0.8249)
        + bytes(48)
    )
    header = struct.pack(">I", 128 + len(table) + len(body)) + header[4:]
    return header + table + body


def curve(exponent):
    return tag(b"curv", struct.pack(">IH", 1, round(256 * exponent)))


def rgb_profile(name):
    columns = np.transpose(TO_XYZ_D50[name])
    return profile(
        b"RGB ",
        {
            letter + b"XYZ": tag(b"XYZ ", fixed(*column))
            for letter, column in zip((b"r", b"g", b"b"), columns, strict=True)
        }
        | {letter + b"TRC": curve(EXPONENTS[name]) for letter in (b"r", b"g", b"b")},
    )


def linear(values):
    values = np.asarray(values) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def stored_in(name, picture):
    """Return the values of sRGB colours, BGR, in another colour space."""
    light = linear(picture[..., ::-1]) @ np.transpose(np.linalg.inv(TO_XYZ_D50[name]) @ TO_XYZ_D50["sRGB"])
    return np.rint(255 * np.clip(light, 0, 1) ** (1 / EXPONENTS[name]))[..., ::-1].astype(np.uint8)


@pytest.mark.parametrize("name", ["Adobe", "P3", "ProPhoto"])
@pytest.mark.parametrize(
    ("file_format", "options"),
    [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 100, "subsampling": 0})],
)
def test_icc_profiles(skin, name, file_format, options):
    stored = stored_in(name, skin)
    assert np.abs(stored.astype(int) - skin).mean() > 2.5
    assert difference(saved(stored, file_format, icc_profile=rgb_profile(name), **options), skin) < 1.2


def test_a_profile_that_is_srgb_changes_nothing(skin):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert difference(saved(skin, "PNG", icc_profile=srgb), skin) == 0


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF"])
def test_a_gray_profile(skin, file_format):
    gray = Image.fromarray(np.rint(255 * linear(skin[..., 1])).astype(np.uint8))
    data = saved(
        gray,
        file_format,
        icc_profile=profile(b"GRAY", {b"kTRC": curve(1.0)}),
        **({"quality": 100} if file_format == "JPEG" else {}),
    )
    assert difference(data, np.repeat(skin[..., 1:2], 3, axis=2)) < 1.5


@pytest.mark.parametrize(
    ("broken", "reason"),
    [(b"no profile", "damaged"), (profile(b"GRAY", {b"kTRC": curve(1.0)}), "it is for GRAY")],
)
def test_a_profile_of_no_use_is_ignored_and_said(skin, broken, reason, caplog):
    assert difference(saved(skin, "PNG", icc_profile=broken), skin) == 0
    (record,) = caplog.records
    assert record.getMessage().startswith("a: its ICC profile is ignored")
    assert reason in record.getMessage()


def with_chunks(png, **chunks):
    """Put chunks behind the header of a PNG."""
    added = b"".join(
        struct.pack(">I", len(content))
        + kind.encode()
        + content
        + struct.pack(">I", zlib.crc32(kind.encode() + content))
        for kind, content in chunks.items()
    )
    return png[:33] + added + png[33:]


CORNERS = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)  # Adobe RGB
SRGB_CORNERS = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def test_gamma_of_a_png(skin):
    dark = np.rint(255 * linear(skin)).astype(np.uint8)
    assert difference(with_chunks(encode(".png", dark), gAMA=struct.pack(">I", 100_000)), skin) < 1.5


def test_primaries_of_a_png(skin):
    data = with_chunks(encode(".png", stored_in("Adobe", skin)), gAMA=struct.pack(">I", 45455), cHRM=CORNERS)
    assert difference(data, skin) < 2


@pytest.mark.parametrize(
    "chunks",
    [
        {"gAMA": struct.pack(">I", 45455), "cHRM": SRGB_CORNERS},
        {"sRGB": b"\0", "gAMA": struct.pack(">I", 100_000), "cHRM": CORNERS},
        {"cICP": bytes([1, 13, 0, 1]), "gAMA": struct.pack(">I", 100_000)},
        {"gAMA": bytes(4)},
        {"gAMA": struct.pack(">I", 15)},
        {"gAMA": struct.pack(">I", 625_000_001)},
        {"cHRM": bytes(32)},
        {"cHRM": struct.pack(">8I", 31270, 0, 64000, 33000, 30000, 60000, 15000, 6000)},
        {"cHRM": struct.pack(">8I", 31270, 32900, *[30000] * 6)},
        {"cHRM": struct.pack(">8I", 5000, 80000, *struct.unpack(">6I", SRGB_CORNERS[8:]))},
    ],
)
def test_a_png_in_srgb_is_not_touched(skin, chunks):
    assert difference(with_chunks(encode(".png", skin), **chunks), skin) == 0


def test_code_points_go_before_a_profile(skin):
    data = saved(skin, "PNG", icc_profile=rgb_profile("ProPhoto"))
    assert difference(with_chunks(data, cICP=bytes([1, 13, 0, 1])), skin) == 0


@pytest.mark.parametrize("code", [bytes([1, 13, 0, 0]), bytes([1, 13, 1, 1])])
def test_values_in_the_range_of_television_are_refused(skin, code):
    with pytest.raises(SourceError, match="range of television"):
        decode_picture(with_chunks(encode(".png", skin), cICP=code), "a")


def test_the_profile_of_a_bmp(skin):
    """Its header is that of Windows 5, with the profile behind the pixels, as ImageMagick writes it."""
    bmp, icc = saved(stored_in("Adobe", skin), "BMP"), rgb_profile("Adobe")
    assert struct.unpack_from("<I", bmp, 14) == (40,)
    rows = bmp[54:]
    header = struct.pack("<I", 124) + bmp[18:54] + struct.pack("<4I4s", 0, 0, 0, 0, b"DEBM") + bytes(48)
    header += struct.pack("<4I", 4, 124 + len(rows), len(icc), 0)
    start = bmp[:2] + struct.pack("<IHHI", 14 + 124 + len(rows) + len(icc), 0, 0, 14 + 124)
    assert difference(start + header + rows + icc, skin) < 1.5
    assert difference(start + header.replace(b"DEBM", b"BGRs") + rows + icc, skin) > 3


def test_code_points_of_a_png(skin):
    p3 = np.clip(
        linear(skin[..., ::-1]) @ np.transpose(np.linalg.inv(TO_XYZ_D50["P3"]) @ TO_XYZ_D50["sRGB"]), 0, 1
    )
    encoded = np.where(p3 <= 0.0031308, 12.92 * p3, 1.055 * p3 ** (1 / 2.4) - 0.055)
    stored = np.rint(255 * encoded)[..., ::-1].astype(np.uint8)
    assert difference(with_chunks(encode(".png", stored), cICP=bytes([12, 13, 0, 1])), skin) < 1
    with pytest.raises(SourceError, match=r"high dynamic range \(PQ\)"):
        decode_picture(with_chunks(encode(".png", skin), cICP=bytes([9, 16, 0, 1])), "a")


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_cielab_in_tiff(skin, compression):
    image = Image.fromarray(skin[..., ::-1].copy())
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert difference(saved(lab, "TIFF", compression=compression), skin) < 1.5


def test_cmyk_in_tiff(skin):
    assert difference(saved(skin, "TIFF", "CMYK"), skin) < 1
