from __future__ import annotations

import random
import re
import shutil
import socket
import sys
from types import SimpleNamespace

import pytest

from aernet.data.fetch import fetch
from aernet.errors import AernetError, SourceError

CHUNK = 1 << 16
CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def archive(server):
    return server.add("pictures.zip", CONTENT)


def test_archives_come_whole_and_only_once(server, archive, tmp_path, progress):
    other = server.add("masks.zip", b"masks")
    folder = tmp_path / "new" / "folder"
    paths = fetch([archive, other], folder, server.address, progress)
    assert paths == [folder / "pictures.zip", folder / "masks.zip"]
    assert [path.read_bytes() for path in paths] == [CONTENT, b"masks"]
    assert sorted(folder.iterdir()) == sorted(paths)
    server.ranges.clear()
    assert fetch([archive, other], folder, server.address.rstrip("/"), progress) == paths
    assert not server.ranges


def test_a_broken_connection_is_taken_up_again(server, archive, tmp_path, progress):
    server.breaks_after = [CHUNK + 1000, 2 * CHUNK]
    fetch([archive], tmp_path, server.address, progress)
    assert server.ranges == ["bytes=0-", f"bytes={CHUNK}-", f"bytes={3 * CHUNK}-"]
    assert (tmp_path / "pictures.zip").read_bytes() == CONTENT


def test_what_came_before_an_error_is_kept_for_the_next_call(server, archive, tmp_path, progress):
    server.breaks_after = [CHUNK, 0]
    with pytest.raises(SourceError, match=rf"pictures\.zip: the connection .*go on after {CHUNK} bytes"):
        fetch([archive], tmp_path, server.address, progress)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.zip.part"]
    server.ranges.clear()
    fetch([archive], tmp_path, server.address, progress)
    assert server.ranges == [f"bytes={CHUNK}-"]
    assert (tmp_path / "pictures.zip").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.zip"]


def test_a_server_that_does_not_resume_sends_it_all_again(server, archive, tmp_path, progress):
    server.resumes = False
    (tmp_path / "pictures.zip.part").write_bytes(CONTENT[:1000])
    fetch([archive], tmp_path, server.address, progress)
    assert (tmp_path / "pictures.zip").read_bytes() == CONTENT


def test_of_a_server_that_does_not_resume_what_is_there_is_told(server, archive, tmp_path, progress):
    server.resumes, server.breaks_after = False, [CHUNK]
    part = tmp_path / "pictures.zip.part"
    part.write_bytes(CONTENT[: 3 * CHUNK])
    with pytest.raises(SourceError, match=rf"go on after {CHUNK} bytes"):
        fetch([archive], tmp_path, server.address, progress)
    assert part.stat().st_size == CHUNK


def test_another_content_is_refused_and_not_kept(server, archive, tmp_path, progress):
    server.files["/2018/pictures.zip"] = bytes(len(CONTENT))
    with pytest.raises(SourceError, match=rf"pictures\.zip: SHA256 .* expected {archive.sha256} but got"):
        fetch([archive], tmp_path, server.address, progress)
    assert not list(tmp_path.iterdir())


def test_a_part_that_went_bad_is_fetched_anew(server, archive, tmp_path, progress):
    (tmp_path / "pictures.zip.part").write_bytes(bytes(1000))
    with pytest.raises(SourceError, match="SHA256"):
        fetch([archive], tmp_path, server.address, progress)
    (tmp_path / "pictures.zip.part").write_bytes(bytes(len(CONTENT) + 1))
    fetch([archive], tmp_path, server.address, progress)
    assert (tmp_path / "pictures.zip").read_bytes() == CONTENT


def test_a_file_that_is_not_the_archive_is_replaced(server, archive, tmp_path, progress):
    (tmp_path / "pictures.zip").write_bytes(b"something else")
    fetch([archive], tmp_path, server.address, progress)
    assert (tmp_path / "pictures.zip").read_bytes() == CONTENT


def test_another_size_is_named_before_anything_comes(server, archive, tmp_path, progress):
    server.files["/2018/pictures.zip"] = b"<html>Please log in</html>"
    with pytest.raises(SourceError, match=r"pictures\.zip: the server has 26 bytes, expected 300000"):
        fetch([archive], tmp_path, server.address, progress)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("status", "reason"), [(404, "Not Found"), (503, "Service Unavailable")])
def test_a_refusal_of_the_server_is_named(server, archive, tmp_path, progress, status, reason):
    server.status = status
    url = re.escape(server.address + "pictures.zip")
    with pytest.raises(SourceError, match=f"^{url}: the server answers {status} {reason}$"):
        fetch([archive], tmp_path, server.address, progress)


@pytest.mark.parametrize("scheme", ["http", "gopher"])
def test_a_server_that_is_not_there_is_named(archive, tmp_path, progress, scheme):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(SourceError, match=rf"^{address}/pictures\.zip: the connection failed") as error:
        fetch([archive], tmp_path, address, progress)
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_made_is_named(server, archive, tmp_path, progress):
    (tmp_path / "taken").touch()
    with pytest.raises(AernetError, match=r"taken.pictures\.zip: cannot be written \("):
        fetch([archive], tmp_path / "taken", server.address, progress)


def test_too_little_room_is_named_before_anything_comes(server, archive, tmp_path, progress, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    with pytest.raises(AernetError, match=r"pictures\.zip needs 0\.0003 GB more, but 0\.0001 GB are free"):
        fetch([archive], tmp_path, server.address, progress)
    assert not server.ranges


@pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")
def test_a_disk_that_fills_up_is_named_and_what_came_is_kept(server, archive, tmp_path, progress):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(AernetError, match=r"pictures\.zip: cannot be written \(File too large\)"):
            fetch([archive], tmp_path, server.address, progress)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    kept = (tmp_path / "pictures.zip.part").read_bytes()
    assert CHUNK <= len(kept) <= 100_000
    fetch([archive], tmp_path, server.address, progress)
    assert server.ranges[-1] == f"bytes={len(kept)}-"
    assert (tmp_path / "pictures.zip").read_bytes() == CONTENT
