"""A file that is no picture is refused by what it is, whatever its name says."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile

import cv2
import numpy as np
import pytest
from pictures.files import difference, refusal, saved

REFUSED = {
    "DICOM without a preamble": (b"\x08\0\5\0\x0a\0\0\0ISO_IR 100", "DICOM data without the header"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
    "SVG": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "SVG alone": (b"<svg/>", "an SVG drawing"),
    "HTML": (b"\n<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
    "HTML with a mark": (b"\xef\xbb\xbf<html>", "an HTML page"),
    "XML": (b'<?xml version="1.0"?><Error/>', "an XML file"),
    "JSON": (b'{"error": "not found"}', "a JSON file"),
    "text": ("Läsion\n".encode(), "a text file"),
    "text in UTF-16": ("a table".encode("utf-16"), "a text file"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a git-lfs pointer"),
    "CR2": (b"II*\0\x10\0\0\0CR\2\0", "a Canon CR2 file"),
    "CR3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a Canon CR3 file"),
    "RAF": (b"FUJIFILMCCD-RAW 0201", "a Fujifilm RAF file"),
    "ORF": (b"IIRO\x08\0\0\0", "an Olympus ORF file"),
    "RW2": (b"IIU\0\x18\0\0\0", "a Panasonic RW2 file"),
    "JPEG XL": (b"\xff\x0a\xfa\x1f", "a JPEG XL file"),
    "JPEG XL in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL file"),
    "PSD": (b"8BPS\0\1", "a Photoshop document"),
    "rar": (b"Rar!\x1a\x07\x01\0", "a rar archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"),
    "gz": (b"\x1f\x8b\x08\0", "a gz archive"),
    "MP4": (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "a video (MP4 or QuickTime)"),
    "Matroska": (b"\x1a\x45\xdf\xa3\1\0", "a video (Matroska or WebM)"),
    "AVI": (b"RIFF\0\0\0\0AVI LIST", "a video (AVI)"),
    "zeros": (bytes(5000), "nothing but zeros"),
    "noise": (np.random.default_rng(3).bytes(500), "data of no known format"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_picture_is_named(kind):
    content, name = REFUSED[kind]
    assert f"expected a picture, found {name}" in refusal(content)


def test_archives_are_named():
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.txt", "a")
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    assert "a zip archive; unpack it" in refusal(zipped.getvalue())
    assert "a tar archive; unpack it" in refusal(tarred.getvalue())


def test_a_film_by_opencv_is_named(tmp_path, skin):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, skin.shape[1::-1])
    writer.write(skin)
    writer.release()
    assert "a video (AVI)" in refusal(path.read_bytes())


def test_heic_without_its_extra_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    assert refusal(data).endswith("pip install 'aernet[heif]'")


def test_a_damaged_heic_is_refused():
    pytest.importorskip("pi_heif")
    assert "the HEIF is damaged" in refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


def test_an_avif_with_a_general_brand_first_is_read(skin):
    data = saved(skin, "AVIF", quality=95)
    assert data[8:12] == b"avif"
    assert difference(data[:8] + b"mif1" + data[12:], skin) < 3
