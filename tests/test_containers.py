from __future__ import annotations

import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aernet import containers
from aernet.containers import Folder, Zip, open_container
from aernet.errors import SourceError


def zipped(path, files, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(params=["folder", "zip file"])
def packed(request, tmp_path):
    def pack(files):
        if request.param == "zip file":
            return open_container(zipped(tmp_path / "a.zip", files))
        for name, data in files.items():
            (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "folder" / name).write_bytes(data)
        return open_container(tmp_path / "folder")

    return pack


def test_both_have_names_and_content(packed):
    container = packed({"a": b"1", "sub/b": b"22"})
    assert container.names() == ["a", "sub/b"]
    assert [container.data(name) for name in container.names()] == [b"1", b"22"]


def test_what_is_larger_than_a_picture_is_not_read(packed, monkeypatch):
    monkeypatch.setattr(containers, "LARGEST_PICTURE", 10)
    container = packed({"a.png": bytes(10), "b.png": bytes(11)})
    assert container.data("a.png") == bytes(10)
    with pytest.raises(SourceError, match=r"b\.png: .* GB are too large for a picture; expected .* at most"):
        container.data("b.png")


def test_an_entry_that_declares_gigabytes_is_refused_by_that(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(1000)}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 3 << 30)
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"a\.zip/a\.png: 3\.22 GB are too large"):
        Zip(path).data("a.png")


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (zipfile.ZIP_DEFLATED, "cannot be read from the zip file (Bad CRC-32"),
        (zipfile.ZIP_BZIP2, "packed by another method than Deflate"),
        (zipfile.ZIP_LZMA, "packed by another method than Deflate"),
    ],
)
def test_an_entry_that_is_larger_than_it_declares_takes_no_more_memory(tmp_path, method, reason):
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(300 << 20)}, method)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 1000)
    path.write_bytes(data)
    program = (
        "import resource, sys, pathlib\n"
        "from aernet.containers import Zip\n"
        "from aernet.errors import SourceError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    Zip(pathlib.Path(sys.argv[1])).data('a.png')\n"
        "except SourceError as error:\n    print(error)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)\n"
    )
    answer = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    message, mebibytes = answer.stdout.splitlines()
    assert f"{path}/a.png: {reason}" in message
    assert int(mebibytes) < 150


@pytest.mark.parametrize(
    "name", ["../a.png", "x/../../a.png", "/a.png", "\\a.png", "C:\\x\\a.png", "..\\a.png"]
)
def test_names_that_lead_out_are_refused_by_name(tmp_path, name):
    path = zipped(tmp_path / "a.zip", {"good.png": b"", name: b""})
    with pytest.raises(SourceError) as error:
        Zip(path).names()
    assert str(error.value).startswith(f"{path}: 1 of its 2 names lead out of it, such as {name};")


def test_names_with_backslashes_are_read(tmp_path):
    container = Zip(zipped(tmp_path / "a.zip", {"x\\y\\a.png": b"1", "b.png": b"2"}))
    assert container.names() == ["x/y/a.png", "b.png"]
    assert [container.data(name) for name in container.names()] == [b"1", b"2"]


def test_an_encrypted_zip_file_is_called_so(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": b"secret"})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"a\.zip: is encrypted; unpack it with its password"):
        Zip(path).names()


def test_names_that_are_not_the_utf_8_they_claim_to_be_are_a_broken_zip_file(tmp_path):
    path = zipped(tmp_path / "a.zip", {"ä.png": b""})
    path.write_bytes(path.read_bytes().replace("ä".encode(), b"\xff\xff"))
    with pytest.raises(SourceError, match=r"a\.zip: not a whole zip file"):
        Zip(path).names()


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are bytes on Linux alone")
def test_names_in_another_encoding_are_read(tmp_path):
    name = b"L\xe4sion.png".decode("utf-8", "surrogateescape")
    (tmp_path / name).write_bytes(b"1")
    assert Folder(tmp_path).names() == [name]
    assert Folder(tmp_path).data(name) == b"1"


def test_a_subfolder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    import os

    scan = os.scandir
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.png").touch()

    def refuse(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"locked: cannot be read \(Permission denied\)"):
        Folder(tmp_path).names()


def test_an_entry_without_a_name_is_left_out(tmp_path):
    whole = zipped(tmp_path / "a.zip", {"a": b"1", "b": b"2"})
    assert Zip(whole).names() == ["a", "b"]
    content = bytearray(whole.read_bytes())
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<H", content, directory + 28, 0)  # the length of the name
    struct.pack_into("<H", content, directory + 32, 1)  # of the comment, which now has the letter
    whole.write_bytes(content)
    assert Zip(whole).names() == ["b"]
