"""What `segment` does with addresses on the web."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from aernet import Segmenter
from aernet.archive import inputs
from aernet.archive.journal import JOURNAL
from aernet.cli.app import app


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.logins.append(self.headers.get("Authorization"))
        answers, path = self.server.answers, self.path.partition("?")[0]
        status, headers, content = answers.get(self.path) or answers.get(path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answers = {}
        server.logins = []
        server.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def segment(model, tmp_path):
    def run(*arguments):
        words = ["segment", *arguments, "-o", tmp_path / "out", "--model", model, "--json"]
        answer = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
        return answer, [json.loads(line) for line in answer.stdout.splitlines()]

    return run


def names(folder):
    """All files but the journal."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_a_picture_is_fetched_and_named_after_its_address(server, segment, tmp_path, examples, model):
    data = examples[0].read_bytes()
    server.answers = {
        "/some/ISIC%201.jpg": (200, {"Content-Type": "image/jpeg", "Content-Length": len(data)}, data),
        "/moved.jpg": (302, {"Location": "/some/ISIC%201.jpg"}, b""),
    }
    addresses = [f"{server.address}/some/ISIC%201.jpg?token=1", f"{server.address}/moved.jpg"]
    answer, records = segment(*addresses)
    assert answer.exit_code == 0, answer.output
    assert [(record["input"], record["status"]) for record in records] == [(one, "done") for one in addresses]
    assert names(tmp_path / "out") == ["ISIC 1_mask.png", "moved_mask.png"]
    with Segmenter(model) as segmenter:
        expected = segmenter(cv2.imread(str(examples[0]))).mask
    for name in names(tmp_path / "out"):
        found = cv2.imread(str(tmp_path / "out" / name), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, expected)
    server.answers = {}
    assert [record["status"] for record in segment(*addresses)[1]] == ["skipped", "skipped"]


def test_addresses_that_differ_in_their_query_have_outputs_of_their_own(server, segment, tmp_path, examples):
    server.answers = {
        f"/image?id={number}": (200, {}, path.read_bytes()) for number, path in enumerate(examples[:2])
    }
    addresses = [f"{server.address}/image?id={number}" for number in range(2)]
    _, records = segment(*addresses)
    assert [record["status"] for record in records] == ["done", "done"]
    masks = sorted((tmp_path / "out").rglob("*_mask.png"))
    assert len(masks) == 2
    shapes = {cv2.imread(str(mask)).shape[:2] for mask in masks}
    assert shapes == {cv2.imread(str(path)).shape[:2] for path in examples[:2]}
    assert [record["status"] for record in segment(*addresses)[1]] == ["skipped", "skipped"]


def test_a_server_that_does_not_tell_what_it_sends_is_believed(server, segment, examples):
    server.answers = {"/scan": (200, {}, examples[0].read_bytes())}
    answer, records = segment(f"{server.address}/scan")
    assert answer.exit_code == 0, answer.output
    assert records[0]["status"] == "done"


def test_a_film_is_fetched(server, segment, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.full((48, 64, 3), 30, np.uint8))
    writer.release()
    server.answers["/film.AVI"] = (
        200,
        {"Content-Type": "video/x-msvideo"},
        (tmp_path / "a.avi").read_bytes(),
    )
    answer, records = segment(f"{server.address}/film.AVI")
    assert answer.exit_code == 0, answer.output
    assert records[0]["frames"] == 3
    assert {"film_track.csv", "film_masks/000002.png"} <= set(names(tmp_path / "out"))


def test_what_goes_wrong_is_told_by_the_address_and_the_rest_goes_on(server, segment, examples, monkeypatch):
    data = examples[0].read_bytes()
    monkeypatch.setattr(inputs, "LARGEST_DOWNLOAD", len(data))
    jpeg = {"Content-Type": "image/jpeg"}
    server.answers = {
        "/good.jpg": (200, jpeg, data),
        "/text.jpg": (200, jpeg, b"no picture"),
        "/page.jpg": (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"),
        "/declared.jpg": (200, jpeg | {"Content-Length": 3 << 30}, b""),
        "/endless.jpg": (200, jpeg, data + b"\0"),
        "/short.jpg": (200, jpeg | {"Content-Length": len(data)}, data[:1000]),
        "/file.jpg": (302, {"Location": "file:///etc/passwd"}, b""),
        "/ftp.jpg": (302, {"Location": "ftp://127.0.0.1/a.jpg"}, b""),
        "/circle.jpg": (302, {"Location": "/circle.jpg"}, b""),
    }
    paths = [*server.answers, "/gone.jpg"]
    answer, records = segment(*(server.address + path for path in paths), "http://127.0.0.1:1/closed.jpg")
    assert answer.exit_code == 1
    told = {record["input"].rpartition("/")[2]: record.get("error", "") for record in records}
    for name, part in {
        "good.jpg": "",
        "text.jpg": "expected a picture",
        "page.jpg": "the server sends text/html, not a picture or video",
        "declared.jpg": "is larger than",
        "endless.jpg": "is larger than",
        "short.jpg": f"the connection ended after 1000 of {len(data)} bytes",
        "file.jpg": "file",
        "ftp.jpg": "the server leads to ftp:, which is not followed",
        "circle.jpg": "the server answers 302",
        "gone.jpg": "the server answers 404",
        "closed.jpg": "cannot be fetched",
    }.items():
        assert part in told[name], told[name]
        assert "\n" not in told[name]
        assert "aernet-" not in told[name]  # the temporary folder
        if part:
            assert told[name].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://host/a.jpg",
        "file:///etc/a.jpg",
        "rtsp://user:secret@host/a",
        "s3://a/b.jpg",
        "data:image/png,x",
    ],
)
def test_any_other_kind_of_address_is_refused_as_such(segment, address):
    answer, records = segment(address)
    assert (answer.exit_code, [record["status"] for record in records]) == (1, ["failed"])
    assert "secret" not in str(records)
    scheme = address.partition(":")[0]
    assert f": {scheme} is no address that is fetched; expected http or https" in answer.stderr
    assert "secret" not in answer.stderr


@pytest.mark.parametrize(
    ("address", "below", "root"),
    [
        ("https://host/x/a.jpg?b=c.png", "a.jpg", "/host/x"),
        ("https://user:word@host:8080/%2e%2e/..%2f..%2fetc/.a.jpg", "a.jpg", "/host/_/_/_/etc"),
        ("http://host", "download", "/host"),
        ("http://host/", "download", "/host"),
        ("http://host/L%C3%A4sion.png", "Läsion.png", "/host"),
        ("http://host/" + "a" * 300 + ".jpg", "a" * 196 + ".jpg", "/host"),
    ],
)
def test_the_name_of_an_address_stays_within_the_output_folder(address, below, root):
    (item,), left_out, _ = inputs.find_inputs([address], lambda _: False)
    assert (item.below.as_posix(), item.root.as_posix()) == (below, root)
    assert "word" not in item.name
    assert left_out == []


def test_a_user_and_password_are_sent_to_the_server_that_they_are_for_alone(server, segment, examples):
    server.answers = {
        "/a.jpg": (302, {"Location": f"{server.address}/b.jpg"}, b""),
        "/b.jpg": (200, {"Content-Type": "image/jpeg"}, examples[0].read_bytes()),
    }
    address = f"{server.address}/a.jpg".replace("://", "://Aladdin:open%20sesame@")
    answer, records = segment(address)
    assert [record["status"] for record in records] == ["done"]
    # The example of RFC 7617, section 2.
    assert server.logins == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", None]
    assert "sesame" not in answer.output


@pytest.mark.parametrize(
    ("address", "root"),
    [("http://../a.jpg", "/_"), ("http://host//a.jpg", "/host"), ("http://.h/a.jpg", "/h")],
)
def test_the_name_of_a_server_stays_within_the_output_folder(address, root):
    (item,), _, _ = inputs.find_inputs([address], lambda _: False)
    assert (item.below.as_posix(), item.root.as_posix()) == ("a.jpg", root)


def test_what_is_no_address_does_not_end_the_run(segment, examples):
    answer, records = segment("http://[1/a.jpg", str(examples[0]))
    assert [record["status"] for record in records] == ["done", "failed"]
    assert "http://[1/a.jpg: is no address (Invalid IPv6 URL)" in answer.stderr
