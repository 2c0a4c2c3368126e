"""A web server with archives."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.progress import Progress

from aernet.data.archives import Archive

ROOT = Path(__file__).parents[2]
EXAMPLES, MASKS = ROOT / "examples", ROOT / "python/aernet/video/masks"


class Server(ThreadingHTTPServer):
    """Serves `files`, from where it is asked to, and can break off, refuse to resume, or lie."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {}
        self.ranges = []
        self.breaks_after = []
        self.resumes = True
        self.status = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/2018/"

    def add(self, name, content):
        self.files[f"/2018/{name}"] = content
        return Archive(name, len(content), hashlib.sha256(content).hexdigest())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        content = server.files.get(self.path)
        if content is None or server.status:
            self.send_error(server.status or 404)
            return
        asked = self.headers.get("Range", "bytes=0-")
        server.ranges.append(asked)
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if server.resumes else 0
        self.send_response(206 if server.resumes else 200)
        self.send_header("Content-Length", str(len(content) - first))
        if server.resumes:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        sent = content[first:]
        if server.breaks_after:
            sent = sent[: server.breaks_after.pop(0)]
        self.wfile.write(sent)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def progress():
    return Progress(disable=True)
