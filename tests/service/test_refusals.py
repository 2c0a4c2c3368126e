"""What a request must not be: oversized, slow, malformed, one too many, or a stranger's."""

from __future__ import annotations

import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import httpx
import numpy as np
import pytest

from aernet import AernetError, Segmenter
from aernet.service import Limits, Service
from aernet.web import deadline, security


@pytest.fixture
def serve(segmenter):
    """Start a service with other limits."""
    running = []

    def serve(segmenter=segmenter, **options):
        service = Service(segmenter, port=0, **options)
        running.append(service)
        return service.__enter__()

    yield serve
    for service in running:
        service.__exit__(None)


class Held:
    """A segmenter that does not get on until it may."""

    def __init__(self, segmenter):
        self.__dict__.update(vars(segmenter), runner=segmenter.runner)
        self._segmenter = segmenter
        self.go = threading.Event()

    def __call__(self, picture):
        assert self.go.wait(60)
        return self._segmenter(picture)


@pytest.fixture
def held(segmenter):
    held = Held(segmenter)
    yield held
    held.go.set()


def write_to_the_end(connection, data, pause=0.0):
    """Send data again and again; return how often that went well, of 1000 times."""
    for count in range(1000):
        try:
            connection.sendall(data)
        except ConnectionError:
            return count
        time.sleep(pause)
    return 1000


def figures(service):
    lines = httpx.get(f"{service.url}metrics", timeout=20).text.splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "picture: the file is empty (0 bytes)"),
        (b"<!doctype html><p>no", 415, "picture: expected a picture, found an HTML page"),
        (b"%PDF-1.7", 415, "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", 422, "picture: the PNG is cut short after 8 bytes"),
        (bytes(range(256)), 415, "data of no known format"),
    ],
)
def test_what_is_no_picture(client, content, status, words):
    answer = client.post("/segment", content=content)
    assert answer.status_code == status
    assert words in answer.text
    assert answer.text.count("\n") == 1


def test_a_damaged_picture(client, picture):
    answer = client.post("/segment", content=picture[: len(picture) // 2])
    assert answer.status_code == 422
    assert answer.text.startswith("picture: ")
    assert answer.text.count("\n") == 1


def test_sixteen_bits(client):
    data = cv2.imencode(".png", np.zeros((9, 9, 3), np.uint16))[1].tobytes()
    answer = client.post("/segment", content=data)
    assert answer.status_code == 422
    assert "expected 8 bits a channel, found 16" in answer.text


def test_too_many_pixels_are_refused_before_they_are_decoded(serve):
    """A picture of one colour has few bytes."""
    service = serve(limits=Limits(pixels=1_000_000))
    for suffix in (".png", ".jpg", ".tiff", ".webp"):
        large, small = (
            cv2.imencode(suffix, np.full((1000, width, 3), 90, np.uint8))[1].tobytes()
            for width in (1001, 1000)
        )
        assert httpx.post(f"{service.url}segment", content=small, timeout=60).status_code == 200
        answer = httpx.post(f"{service.url}segment", content=large, timeout=60)
        assert answer.status_code == 422
        assert "1001 x 1000 pixels, expected 1000000 at most" in answer.text


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large(serve, chunked):
    service = serve(limits=Limits(body_bytes=1000))
    body = bytes(1001)
    answer = httpx.post(f"{service.url}segment", content=iter([body]) if chunked else body, timeout=20)
    assert answer.status_code == 413
    assert answer.text == "Bodies of more than 1000 bytes are refused.\n"
    assert answer.headers["connection"] == "close"


def test_a_body_without_end_is_cut_off(serve):
    service = serve(limits=Limits(body_bytes=1_000_000))
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"POST /segment HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert write_to_the_end(connection, b"10000\r\n" + bytes(0x10000) + b"\r\n") < 1000
    assert figures(service)['aernet_answers_total{status="413"}'] == "1.0"


def test_a_slow_body_is_not_waited_for(serve, picture):
    service = serve(limits=Limits(body_seconds=0.3))
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        head = f"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(picture)}\r\n\r\n"
        connection.sendall(head.encode())
        assert write_to_the_end(connection, b"x", 0.02) < 1000  # what trickles in makes no difference
    assert figures(service)['aernet_answers_total{status="408"}'] == "1.0"


def test_a_slow_head_is_not_waited_for(serve, monkeypatch):
    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 0.3)
    service = serve()
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"POST /segment HTTP/1.1\r\n")
        assert connection.recv(100) == b""


def test_one_request_too_many(serve, held, picture, decoded):
    service = serve(held, limits=Limits(waiting=3))
    address = f"{service.url}segment"
    with ThreadPoolExecutor(3) as pool:
        first = [pool.submit(httpx.post, address, content=picture, timeout=60) for _ in range(3)]
        while float(figures(service)["aernet_requests_under_way"]) < 3:
            time.sleep(0.02)
        answer = httpx.post(address, content=picture, timeout=20)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.text == "3 requests are under way, the most that are taken.\n"
        held.go.set()
        for future in first:
            assert decoded(future.result(60)).any()
    assert decoded(httpx.post(address, content=picture, timeout=60)).any()


def test_an_answer_that_takes_too_long(serve, held, picture):
    service = serve(held, limits=Limits(seconds=0.2))
    answer = httpx.post(f"{service.url}segment", content=picture, timeout=20)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.text == "There was no answer within 0.2 seconds.\n"
    assert figures(service)["aernet_requests_under_way"] == "0.0"


def test_who_went_away_is_not_worked_for(serve, held, picture):
    service = serve(held)
    address = f"{service.url}segment"
    for _ in range(20):  # more than there are threads
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(address, content=picture, timeout=httpx.Timeout(20, read=0.02))
    while float(figures(service)["aernet_requests_under_way"]):
        time.sleep(0.02)
    held.go.set()
    assert httpx.post(address, content=picture, timeout=60).status_code == 200
    assert float(figures(service)["aernet_pictures_total"]) < 20
    assert figures(service)['aernet_answers_total{status="499"}'] == "20.0"


def test_a_picture_with_a_side_that_is_too_long_is_refused_and_no_device_fails(serve):
    wide = cv2.imencode(".png", np.zeros((2, 16385, 3), np.uint8))[1].tobytes()
    answer = httpx.post(f"{serve().url}segment", content=wide, timeout=20)
    assert answer.status_code == 422
    assert "expected 1 to 16384 pixels, found 16385" in answer.text


def test_a_device_that_fails(serve, picture, monkeypatch):
    service = serve()

    def fail(_self, _picture):
        raise AernetError("the GPU is gone")

    monkeypatch.setattr(Segmenter, "__call__", fail)
    answer = httpx.post(f"{service.url}segment", content=picture, timeout=20)
    assert (answer.status_code, answer.text) == (500, "the GPU is gone\n")


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"", "multipart/form-data", "The form cannot be read: Missing boundary"),
        (b"nonsense", "multipart/form-data; boundary=x", "The form cannot be read"),
        (b"--x\r\na b: c\r\n\r\n", "multipart/form-data; boundary=x", "The form cannot be read"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", "The form has no file"),
    ],
)
def test_a_form_that_is_none(client, content, kind, words, capfd, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own, without which a log is printed
    answer = client.post("/segment", content=content, headers={"Content-Type": kind})
    assert capfd.readouterr() == ("", "")  # else strangers could fill the log
    assert answer.status_code == 400
    assert words in answer.text
    assert answer.text.count("\n") == 1


def test_two_files(client, picture):
    answer = client.post("/segment", files=[("a", ("a.jpg", picture)), ("b", ("b.jpg", picture))])
    assert answer.status_code == 400
    assert "Too many files" in answer.text


def test_formats_that_are_none(client, picture):
    answer = client.post("/segment?format=gif", content=picture)
    assert (answer.status_code, answer.text) == (
        400,
        "format: expected one of png, json, geojson, found 'gif'\n",
    )
    answer = client.post("/segment", content=picture, headers={"Accept": "text/html, image/gif;q=0.4"})
    assert answer.status_code == 406
    assert "expected one of image/png, application/json" in answer.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_no_other_method(client, method):
    assert client.request(method, "/segment").status_code == 405


def test_another_name_or_another_page(client):
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert client.post("/segment", content=b"x", headers=headers).status_code == 403


def test_a_refusal_waits_for_a_short_body_but_not_for_ever(serve, monkeypatch):
    monkeypatch.setattr(security, "_SHORT_BODY_SECONDS", 60)
    service = serve()
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"POST /segment HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n")
        time.sleep(0.2)
        connection.sendall(b"what came")
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")
    monkeypatch.setattr(security, "_SHORT_BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"POST /segment HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")


TOKEN = "t" * 32


@pytest.mark.parametrize("given", [TOKEN, None])
def test_where_other_machines_reach_it_the_token_is_due(serve, picture, given):
    service = serve(host="0.0.0.0", token=given)
    token = httpx.URL(service.url).params["token"]
    assert token == given or len(token) >= 43
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client:
        for path in ("/", "/openapi.json", "/healthz", "/metrics", "/nothing"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"Authorization": "Bearer x"}).status_code == 401
            assert client.get(path, headers={"Authorization": token}).status_code == 401
            known = client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert known.status_code == (404 if path == "/nothing" else 200)
        assert client.post("/segment", content=picture).status_code == 401
        headers = {"Authorization": f"bearer {token}"}
        assert client.post("/segment", content=picture, headers=headers).status_code == 200
        assert client.get("/", params={"token": token}).status_code == 200  # from then on by cookie
        assert client.post("/segment", content=picture).status_code == 200


def test_a_token_that_is_given_is_due_on_this_machine_too(serve):
    service = serve(token=TOKEN)
    assert httpx.get(f"http://127.0.0.1:{service.port}/", timeout=20).status_code == 401
    assert httpx.get(service.url, timeout=20).status_code == 200
