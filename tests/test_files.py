from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aernet import AernetError
from aernet.files import remove, replacing, sha256_of


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "a.txt"
    with replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["file/a.txt", "file/below/a.txt"])
def test_a_file_where_a_folder_would_be_is_named(tmp_path, name):
    (tmp_path / "file").write_text("before")
    with pytest.raises(AernetError) as error, replacing(tmp_path / name):
        pass
    assert str(error.value) == (
        f"{tmp_path / name}: cannot be written ({tmp_path / 'file'} is a file, not a folder)"
    )
    assert (tmp_path / "file").read_text() == "before"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_all_as_it_was(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as POSIX has them")
def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with replacing(tmp_path / "a"):
        pass
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_is_a_file_cannot_be_written_to(tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    with pytest.raises(AernetError, match=r"a\.txt: cannot be written") as error, replacing(taken / "a.txt"):
        pass
    assert "\n" not in str(error.value)


def test_a_name_of_the_longest_that_can_be_is_written(tmp_path):
    path = tmp_path / ("a" * 251 + ".txt")
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"


FULL = """
import resource, sys
from pathlib import Path
from aernet.files import LineFile

resource.setrlimit(resource.RLIMIT_FSIZE, (25, 25))  # as a disk that has room for two lines and a half
lines = LineFile(Path(sys.argv[1]))
for line in ("first line\\n", "second one\\n", "third line\\n"):
    try:
        lines.write(line)
    except OSError as error:
        print(line.strip(), error.errno)
lines.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")
def test_a_line_that_a_full_disk_has_no_room_for_leaves_no_part_of_it(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "lines.txt"], capture_output=True, text=True, check=True
    )
    assert answer.stdout.startswith("third line ")
    assert (tmp_path / "lines.txt").read_text() == "first line\nsecond one\n"


def test_an_interrupt_as_the_temporary_file_is_made_leaves_nothing(tmp_path, monkeypatch):
    make = Path.touch

    def interrupted(path, **how):
        make(path, **how)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "touch", interrupted)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_digest_is_of_the_whole_file(tmp_path):
    path = tmp_path / "large"
    content = os.urandom(2 * (1 << 20) + 17)
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    kept = tmp_path / "folder" / "kept"
    kept.parent.mkdir()
    kept.touch()
    (tmp_path / "link").symlink_to(kept.parent)
    remove(tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert kept.exists()


def test_what_cannot_be_removed_is_named_with_the_reason(tmp_path, monkeypatch):
    def refuse(path):
        raise OSError(f"{path} is in use")

    (tmp_path / "folder").mkdir()
    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(AernetError, match=r"folder: cannot be removed \(.+folder is in use\)"):
        remove(tmp_path / "folder")
