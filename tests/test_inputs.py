from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from aernet import SourceError
from aernet.inputs import LeftOut, count_kinds, find_pictures, list_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b.JPG",
        "a.png",
        "sub/deep/c.tiff",
        "sub/d.webp",
        ".hidden.png",
        ".cache/e.png",
        "notes.txt",
        "x.pdf",
    ):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "pictures" / "folder.png").mkdir()
    return tmp_path / "pictures"


def test_a_folder_is_walked_in_order(folder):
    found = [path.relative_to(folder).as_posix() for path in find_pictures([folder])]
    assert found == ["a.png", "b.JPG", "sub/d.webp", "sub/deep/c.tiff"]


def test_a_hidden_folder_that_is_named_is_walked(folder):
    assert find_pictures([folder / ".cache"]) == [folder / ".cache" / "e.png"]


def test_files_are_taken_as_named_and_once(folder):
    notes, picture = folder / "notes.txt", folder / "b.JPG"
    assert find_pictures([notes, picture, folder / "sub", picture]) == [
        notes,
        picture,
        folder / "sub" / "d.webp",
        folder / "sub" / "deep" / "c.tiff",
    ]


def test_no_inputs_are_no_pictures():
    assert find_pictures([]) == []


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"none: no such file or folder"):
        find_pictures([tmp_path / "none"])


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceError, match="the folder holds no picture") as error:
        find_pictures([tmp_path])
    assert str(tmp_path) in str(error.value)


def left_out(folder, suffixes=(".png",)):
    found = list_folder(folder, suffixes).left_out
    return {thing.path.relative_to(folder).as_posix(): thing.kind for thing in found}


def files(folder, suffixes=(".png",)):
    return [path.relative_to(folder).as_posix() for path in list_folder(folder, suffixes).files]


def test_all_else_is_left_out_with_its_kind(tmp_path):
    for name in ("a.png", "c.PDF", "d.nef", "e.zip", "f.txt", ".hidden", "Thumbs.db"):
        (tmp_path / name).touch()
    for name in ("b.dcm", "IM0001"):
        (tmp_path / name).write_bytes(bytes(128) + b"DICM")
    (tmp_path / "README").write_text("text")
    assert left_out(tmp_path) == {
        "b.dcm": "DICOM file",
        "IM0001": "DICOM file",
        "c.PDF": "PDF file",
        "d.nef": "camera raw file",
        "e.zip": "archive",
        "f.txt": ".txt file",
        "README": "file without suffix",
    }
    found = list_folder(tmp_path, (".png",)).left_out
    assert all(thing.reason and "\n" not in thing.reason for thing in found)
    assert "export it as PNG" in next(thing.reason for thing in found if thing.path.name == "c.PDF")
    assert sorted(count_kinds(found))[-2:] == ["1 file without suffix", "2 DICOM files"]


def test_a_folder_that_holds_something_else_says_what(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(SourceError, match=r"holds no picture \(.*\); it holds 3 DICOM files$"):
        find_pictures([tmp_path])


def test_plurals():
    things = [LeftOut(Path("a"), kind, "") for kind in ("file without suffix", "archive", "archive")]
    assert count_kinds(things) == ["1 file without suffix", "2 archives"]
    assert count_kinds([*things, things[0]]) == ["2 files without suffix", "2 archives"]


@posix
def test_links_to_files_and_folders_are_followed(tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    folder.mkdir()
    for path in (outside / "a.png", outside / "deep" / "b.png", tmp_path / "c.png"):
        path.touch()
    (folder / "link").symlink_to(outside)
    (folder / "d.png").symlink_to(tmp_path / "c.png")
    assert files(folder) == ["d.png", "link/a.png", "link/deep/b.png"]
    assert left_out(folder) == {}


@posix
def test_nothing_is_taken_twice_and_no_circle_is_walked(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "z.png").touch()
    (folder / "sub" / "b.png").touch()
    (tmp_path / "c.png").touch()
    (folder / "a.png").symlink_to(folder / "z.png")
    (folder / "again").symlink_to(folder / "sub")
    (folder / "sub" / "self").symlink_to(folder)
    (folder / "sub" / "up").symlink_to(tmp_path)
    (folder / "round").symlink_to(folder / "round")
    assert files(folder) == ["sub/b.png", "sub/up/c.png", "z.png"]
    assert left_out(folder) == {
        "a.png": "repeated link",
        "again": "repeated link",
        "sub/self": "repeated link",
        "round": "dangling link",
    }


@posix
def test_links_that_lead_nowhere_and_pipes_are_left_out(tmp_path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "none")
    (tmp_path / "folder").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket.png"))
        found = list_folder(tmp_path, (".png",))
    assert found.files == []
    assert {thing.path.name: thing.kind for thing in found.left_out} == {
        "gone.png": "dangling link",
        "folder": "dangling link",
        "pipe.png": "special file",
        "socket.png": "special file",
    }
    assert "nowhere" in found.left_out[0].reason
    with pytest.raises(SourceError, match=r"gone\.png: a link to .*none, which is not there"):
        find_pictures([tmp_path / "gone.png"])


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A folder that cannot be read, by root neither."""
    scan = os.scandir
    folder = tmp_path / "folder" / "locked"
    folder.mkdir(parents=True)
    (folder.parent / "a.png").touch()

    def refuse(path):
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return folder


def test_a_folder_that_cannot_be_read_is_told(locked):
    assert files(locked.parent) == ["a.png"]
    assert left_out(locked.parent) == {"locked": "unreadable folder"}
    with pytest.raises(SourceError, match=r"locked: cannot be read \(Permission denied\)"):
        find_pictures([locked])


def test_a_name_that_is_too_long_is_an_error_in_one_line(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        find_pictures([tmp_path / ("a" * 300)])
