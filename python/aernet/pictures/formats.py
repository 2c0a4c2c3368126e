"""Recognises a file by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Format: TypeAlias = Literal[
    "avif", "bmp", "dicom", "gif", "heif", "jp2", "jpeg", "png", "pnm", "tiff", "webp"
]

_DECODED: tuple[tuple[bytes, Format], ...] = (
    (rb".{128}DICM", "dicom"),  # first, as its preamble may hold the header of a TIFF file
    (rb"\xff\xd8", "jpeg"),
    (rb"\x89PNG\r\n\x1a\n", "png"),
    (rb"(II[\x2a\x2b]\0|MM\0[\x2a\x2b])", "tiff"),
    (rb"RIFF....WEBP", "webp"),
    (rb"BM....\0{4}|BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", "bmp"),
    (rb"GIF8[79]a", "gif"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "jp2"),
    (rb"P[1-6]\s", "pnm"),
)

# ISO/IEC 14496-12: the brands of a file tell what the container holds.
_BRANDS: tuple[tuple[bytes, Format], ...] = (
    (rb"avif|avis", "avif"),
    (rb"hei[cxms]|hev[cxms]|mif1|msf1", "heif"),
)

_CONVERT = "convert it to PNG or JPEG"
_RAW = "a camera's raw file; develop it into JPEG, or into TIFF with 8 bits"
_ARCHIVE = "unpack it, and name the pictures or their folder"
_VIDEO = "'aernet-trt segment' takes it as a video if its suffix is one, such as .mp4"
_FETCH_OR_LEAVE = "fetch the picture again, or leave this file out"

_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (
        rb"\x08\0[\0-\x18]\0",
        "DICOM data without the header of a file",
        "save it as a file of DICOM (PS3.10), as pydicom and dcmtk do",
    ),
    (rb".{0,1020}%PDF-", "a PDF document", "export the picture from it as PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document", "export the picture from it as PNG"),
    (rb"....ftypcrx ", "a Canon CR3 file", _RAW),
    (rb"II\*\0.{4}CR", "a Canon CR2 file", _RAW),
    (rb"FUJIFILMCCD-RAW", "a Fujifilm RAF file", _RAW),
    (rb"IIR[OS]|MMOR", "an Olympus ORF file", _RAW),
    (rb"IIU\0", "a Panasonic RW2 file", _RAW),
    (rb"FOVb", "a Sigma X3F file", _RAW),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL file", _CONVERT),
    (rb"II\xbc\x01", "a JPEG XR file", _CONVERT),
    (rb"8BP[SB]", "a Photoshop document", _CONVERT),
    (rb"gimp xcf", "a GIMP document", _CONVERT),
    (rb"\x76\x2f\x31\x01|#\?R", "a picture of high dynamic range (OpenEXR or Radiance)", _CONVERT),
    (rb"\0\0[\x01\x02]\0", "an icon", _CONVERT),
    (rb"qoif|DDS |icns|FLIF|\x59\xa6\x6a\x95|P7\n|P[Ff]\n", "a picture of a rare format", _CONVERT),
    (rb"SIMPLE  =", "a FITS file", _CONVERT),
    (rb"\x93NUMPY|\x89HDF\r\n", "a file of arrays (NumPy or HDF5)", _CONVERT),
    (rb"PK(\x03\x04|\x05\x06|\x07\x08)", "a zip archive", _ARCHIVE),
    (rb"Rar!\x1a\x07", "a rar archive", _ARCHIVE),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _ARCHIVE),
    (rb"\x1f\x8b", "a gz archive", _ARCHIVE),
    (rb"BZh[1-9]|\xfd7zXZ\0|\x28\xb5\x2f\xfd", "a compressed file (bzip2, xz or Zstandard)", _ARCHIVE),
    (rb".{257}ustar", "a tar archive", _ARCHIVE),
    (rb".{4}(ftyp|moov|mdat|wide)", "a video (MP4 or QuickTime)", _VIDEO),
    (rb"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)", _VIDEO),
    (rb"RIFF....AVI ", "a video (AVI)", _VIDEO),
    (rb"\0\0\x01[\xba\xb3]|\x47.{187}\x47.{187}\x47", "a video (MPEG)", _VIDEO),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11|FLV\x01", "a video (WMV or Flash)", _VIDEO),
    (rb"RIFF....WAVE|ID3|OggS|fLaC", "a sound file", _FETCH_OR_LEAVE),
    (rb"\0\x05\x16[\0\x07]", "a companion file of macOS", "name the file without '._' in front"),
    (rb"MZ|\x7fELF", "a program", _FETCH_OR_LEAVE),
    (rb"version https://git-lfs", "a git-lfs pointer, not the picture itself", "run 'git lfs pull'"),
    (rb"\0*\Z", "nothing but zeros", "copy the file again"),
)  # fmt: skip

_TEXTS: tuple[tuple[str, str, str], ...] = (
    (
        r"<!doctype html|<html|<head|<body",
        "an HTML page",
        "fetch the picture again: the server sent a page",
    ),
    (r"<svg|(<\?xml|<!--|<!doctype svg).{0,4000}<svg", "an SVG drawing", "export it as PNG"),
    (r"<\?xml", "an XML file", _FETCH_OR_LEAVE),
    (r"[\[{]", "a JSON file", _FETCH_OR_LEAVE),
)
_CONTROLS = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")


def recognise(data: bytes) -> Format | None:
    """Return the format of a picture that can be decoded, by its content; None if it is none of them."""
    brands = _brands(data)
    for pattern, name in _BRANDS:
        if re.search(pattern, brands):
            return name
    for pattern, name in _DECODED:
        if re.match(pattern, data, re.DOTALL):
            return None if _is_raw_by_magic(data) else name
    return None


def what_it_is(data: bytes) -> tuple[str, str]:
    """Return what a file is that is no picture to be decoded, with its article, and what to do."""
    for pattern, name, remedy in _REFUSED:
        if re.match(pattern, data, re.DOTALL):
            return name, remedy
    return _text(data) or ("data of no known format", _CONVERT)


def _brands(data: bytes) -> bytes:
    """Return the brands of an ISO base media file, its own before those that it is compatible with."""
    if data[4:8] != b"ftyp" or data[8:12] == b"crx ":
        return b""
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[at : at + 4] for at in (8, *range(16, end, 4))]
    # A general brand says nothing where a particular one follows.
    return b" ".join(sorted(brands, key=lambda brand: brand in {b"mif1", b"msf1"}))


def _is_raw_by_magic(data: bytes) -> bool:
    return data[:4] == b"II*\0" and data[8:10] == b"CR"


def _text(data: bytes) -> tuple[str, str] | None:
    start = data[:8192]
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = start.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:
            return None
        text = start[: error.start].decode(encoding)  # the cut divided a character
    if _CONTROLS.search(text):
        return None
    for pattern, name, remedy in _TEXTS:
        if re.match(pattern, text.strip(), re.DOTALL | re.IGNORECASE):
            return name, remedy
    return "a text file", _FETCH_OR_LEAVE
