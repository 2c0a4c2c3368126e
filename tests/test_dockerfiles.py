"""What the images promise, as their Dockerfiles have it; `nox -s container` lints and builds."""

from __future__ import annotations

import http.client
import runpy
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILES = sorted((ROOT / "containers").glob("*.Dockerfile"))
TOKEN = "0123456789abcdef0123456789abcdef"


def instructions(dockerfile):
    """Return the instructions, each as its name and the rest, with continued lines joined."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in joined.splitlines() if line]


def test_there_are_three():
    assert [path.stem for path in DOCKERFILES] == ["cuda", "debian", "jetpack6"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_an_image_runs_the_service_as_a_user_and_stays_on_loopback(dockerfile):
    steps = instructions(dockerfile)
    last = dict(steps)
    assert last["USER"] == "1000"
    assert last["ENTRYPOINT"] == '["aernet-trt"]'
    assert last["CMD"] == '["serve"]'  # whose host is the loopback address
    assert "healthcheck.py" in last["HEALTHCHECK"]
    assert "EXPOSE" not in last
    assert not any("TOKEN" in rest for name, rest in steps if name in {"ENV", "ARG"})


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_what_is_copied_is_there_and_in_the_context(dockerfile):
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    copied = {
        word
        for name, rest in instructions(dockerfile)
        if name == "COPY" and not rest.startswith("--from=")
        for word in rest.split()[:-1]
    }
    assert {"cpp", "python", "containers/healthcheck.py"} <= copied
    for path in copied:
        assert (ROOT / path).exists()
        assert any(path == entry or entry.startswith(f"{path}/") for entry in allowed)


class Answering(BaseHTTPRequestHandler):
    status = 200
    heads = None

    def do_GET(self):
        self.heads.append(self.headers.get("Authorization"))
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def healthcheck(monkeypatch):
    """Run the health check against a server of this test's; returns what it ends with."""
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    real = http.client.HTTPConnection

    def connection(host, port, timeout):
        assert (host, port) == ("127.0.0.1", 8500)
        return real(host, server.server_port, timeout=timeout)

    monkeypatch.setattr(http.client, "HTTPConnection", connection)
    monkeypatch.delenv("AERNET_TOKEN", raising=False)
    monkeypatch.setattr(Answering, "heads", [])

    def run(status):
        monkeypatch.setattr(Answering, "status", status)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "containers" / "healthcheck.py"))
        return ended.value.code

    yield run
    server.shutdown()
    server.server_close()
    thread.join(60)


def test_the_health_check(healthcheck, monkeypatch):
    assert healthcheck(200) is None
    assert healthcheck(401) is None
    assert healthcheck(503) == "status 503"
    monkeypatch.setenv("AERNET_TOKEN", TOKEN)
    assert healthcheck(200) is None
    assert Answering.heads == [None, None, None, f"Bearer {TOKEN}"]


def test_the_health_check_of_no_service(healthcheck, monkeypatch):
    class Nobody:
        def __init__(self, *_, **__):
            pass

        def request(self, *_, **__):
            raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(http.client, "HTTPConnection", Nobody)
    assert healthcheck(200) == "no answer: nobody listens"
