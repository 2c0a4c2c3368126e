"""What comes on a connection to the viewer: requests, and messages through its WebSocket."""

from __future__ import annotations

import struct
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from connection import Connections

from aernet.video.result import VideoResult
from aernet.video.states import State
from aernet.viewer import Viewer
from readers.pictures import noise
from readers.requests import small_segmenter

if TYPE_CHECKING:
    from collections.abc import Callable

    from aernet.web.server import WebServer


def read(data: bytes, _folder: Path) -> None:
    connections, server, show = _opened()
    head, _, frames = data.partition(b"\r\n\r\n")
    half = len(frames) // 2
    answer = connections.send(server, [head + b"\r\n\r\n", frames[:half], frames[half:]], show)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert b" 500 " not in answer[:20]


class _Pipeline:
    """A pipeline of one result, which sinks get at once."""

    def __init__(self) -> None:
        self.segmenter = small_segmenter()
        self.source = SimpleNamespace(name="test://")
        picture = noise(24, 32)[..., ::-1].copy()
        self.result = VideoResult(self.segmenter(picture), next(iter(State)), 0, 0.0, 0, 1.0)

    def status(self) -> Any:
        numbers = {"fps": 1.0, "latency_ms_p50": 1.0, "latency_ms_p99": 1.0, "dropped": 0}
        return SimpleNamespace(state=next(iter(State)), connected=True, failures=[], **numbers)

    def add(self, sink: Any) -> None:
        sink.write(self.result)

    def remove(self, sink: Any) -> None:
        sink.close()


@cache
def _opened() -> tuple[Connections, WebServer, Callable[[], None]]:
    pipeline = _Pipeline()
    viewer = Viewer(pipeline, port=0, folder=Path(tempfile.mkdtemp()))

    def show() -> None:
        viewer._broadcast.write(pipeline.result)

    return Connections([viewer._server]), viewer._server, show


def seeds() -> dict[str, bytes]:
    upgrade = (
        b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    plain = "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    found = {
        "drawn": upgrade + _frame(1, b"") + _frame(1, b""),
        "text": upgrade + _frame(1, b"drawn") + _frame(9, b"ping"),
        "bytes": upgrade + _frame(2, bytes(range(200))) + _frame(8, b"\x03\xe8"),
        "long": upgrade + _frame(1, b"x" * 2000),
    }
    asked = {"page": ("GET", "/"), "script": ("GET", "/viewer.js"), "snapshot": ("GET", "/snapshot/0")}
    asked |= {"recording": ("GET", "/recordings/a.mp4"), "stop": ("DELETE", "/recording")}
    return found | {name: plain.format(*what).encode() for name, what in asked.items()}


def _frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame (RFC 6455, 5.2), masked with zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
    return bytes([0x80 | opcode]) + length + bytes(4) + payload
