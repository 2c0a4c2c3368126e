"""HTTP requests to the service, as bytes on a connection; with and without a token."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from connection import Connections

from aernet import Segmenter
from aernet.service import Service
from aernet.service.limits import Limits
from readers import models, pictures

if TYPE_CHECKING:
    from aernet.web.server import WebServer

_TOKEN = "token"
_LIMITS = Limits(body_bytes=100_000, pixels=pictures.MOST_PIXELS, body_seconds=0.2)


def read(data: bytes, _folder: Path) -> None:
    connections, servers = _opened()
    head, _, body = data.partition(b"\r\n\r\n")
    for server in servers:
        answer = connections.send(server, [head + b"\r\n\r\n", body] if body else [data])
        assert not answer or answer.startswith(b"HTTP/1.1 ")
        assert b" 500 " not in answer[:20]


@cache
def _opened() -> tuple[Connections, list[WebServer]]:
    segmenter = small_segmenter()
    services = [Service(segmenter, port=0, limits=_LIMITS, token=token) for token in (None, _TOKEN)]
    servers = [service._server for service in services]
    return Connections(servers), servers


@cache
def small_segmenter() -> Segmenter:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dark.onnx"
        file.write_bytes(models.seeds()["plain"])
        return Segmenter(file, device="cpu")


def seeds() -> dict[str, bytes]:
    picture = pictures.seeds()["png"]
    form = (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
        + picture
        + b"\r\n--x--\r\n"
    )
    return {
        "picture": _request("POST /segment", picture),
        "json": _request("POST /segment?format=json", picture, "Authorization: Bearer token"),
        "form": _request(
            "POST /segment",
            form,
            "Content-Type: multipart/form-data; boundary=x",
            "Accept: image/*;q=0.5, */*",
        ),
        "chunked": _request("POST /segment", b"", "Transfer-Encoding: chunked")
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(picture), picture),
        "page": _request("GET /?token=token", b"", "Cookie: aernet-1=token"),
        "openapi": _request("GET /openapi.json", b""),
        "metrics": _request("GET /metrics", b"", "Origin: http://127.0.0.1"),
        "health": _request("GET /healthz", b""),
    }


def _request(what: str, body: bytes, *headers: str) -> bytes:
    lines = [f"{what} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
