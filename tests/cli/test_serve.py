from __future__ import annotations

import signal
import socket
import time
from functools import partial

import cv2
import httpx
import numpy as np
import pytest

from aernet import Segmenter

TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def serve(opened, model):
    """Run `serve`; return the process and the address that it prints."""
    return partial(opened, "serve", "--model", model, "--device", "cpu", "--port", 0)


def stopped(process, number=signal.SIGINT):
    """Stop a process and return what it said."""
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    return stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_ends_cleanly(serve, model, examples, number, tmp_path):
    process, address = serve("--threshold", 0.6)
    answer = httpx.post(f"{address}segment", content=examples[-1].read_bytes(), timeout=60)
    mask = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    with Segmenter(model, "cpu", 0.6) as segmenter:
        np.testing.assert_array_equal(mask, segmenter(examples[-1]).mask)
    stopped(process, number)
    with pytest.raises(httpx.TransportError):
        httpx.get(address, timeout=20)
    assert list(tmp_path.iterdir()) == []  # nothing of the picture stays


def test_ctrl_c_finishes_what_is_under_way(serve, examples):
    process, address = serve()
    body = examples[-1].read_bytes()
    with socket.create_connection(("127.0.0.1", httpx.URL(address).port), timeout=60) as connection:
        head = f"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:1000])
        while "under_way 1.0" not in httpx.get(f"{address}metrics", timeout=20).text:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert "finishing what is under way" in process.stderr.readline()
        time.sleep(0.5)  # while it takes no more connections
        with pytest.raises(httpx.TransportError):
            httpx.get(address, timeout=20)
        connection.sendall(body[1000:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"IEND\xaeB`\x82")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert stderr == ""


def test_a_second_ctrl_c_does_not_wait(serve):
    process, address = serve()
    with socket.create_connection(("127.0.0.1", httpx.URL(address).port), timeout=60) as connection:
        connection.sendall(b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        while "under_way 1.0" not in httpx.get(f"{address}metrics", timeout=20).text:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert "finishing what is under way" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        # A server that waits gives the body up after ten seconds, and answers 408; one that ends may say so.
        assert b" 408 " not in connection.recv(100)
    assert process.returncode == 130


def test_limits_are_those_that_are_given(serve, examples):
    _, address = serve("--megabytes", 1, "--megapixels", 0.1)
    assert httpx.post(f"{address}segment", content=bytes(1_000_001), timeout=20).status_code == 413
    answer = httpx.post(f"{address}segment", content=examples[-1].read_bytes(), timeout=20)
    assert answer.status_code == 422
    assert "expected 100000 at most" in answer.text


def test_a_token_of_the_environment_is_due_and_not_printed(serve, monkeypatch):
    monkeypatch.setenv("AERNET_TOKEN", TOKEN)
    process, address = serve()
    assert "token" not in address
    assert httpx.get(address, timeout=20).status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(address, headers=headers, timeout=20).status_code == 200
    assert TOKEN not in stopped(process)


def test_another_address_has_a_token(serve):
    _, address = serve("--host", "0.0.0.0")
    url = httpx.URL(address)
    assert httpx.get(f"http://127.0.0.1:{url.port}/", timeout=20).status_code == 401
    assert (
        httpx.get(f"http://127.0.0.1:{url.port}/?token={url.params['token']}", timeout=20).status_code == 200
    )


def test_what_is_wrong_is_one_line(command, model):
    answer = command("serve", "--token", "short")
    assert answer.returncode == 2
    assert "expected 32 characters at least, found 5" in answer.stderr
    answer = command("serve", "--token", "+/;" * 11)
    assert answer.returncode == 2
    assert "expected letters, digits and . _ ~ -" in answer.stderr
    for limit in ("--megabytes", "--megapixels", "--seconds"):
        answer = command("serve", limit, "inf")
        assert answer.returncode == 2
        assert f"Invalid value for '{limit}'" in answer.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = command("serve", "--model", model, "--port", taken.getsockname()[1])
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "cannot listen at 127.0.0.1" in answer.stderr
