"""Fetches a picture or video from the web."""

from __future__ import annotations

from base64 import b64encode
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from aernet._native import __version__
from aernet.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aernet.archive.watching import Watch

_CHUNK = 1 << 16
_PATIENCE = 30  # longest time without a byte, in seconds


def download(address: str, name: str, file: Path, largest: int, watch: Watch) -> None:
    """Fetch an address into a file.

    Args:
        address: http:// or https://; a user and password in it are sent to its server alone (RFC 7617).
        name: the name of the address in errors.
        file: the file to write.
        largest: bytes beyond which the fetching is given up.
        watch: shows the progress.

    Raises:
        SourceError: the server cannot be reached, refuses, sends a text, more than `largest` bytes or fewer
            than it said, or leads to an address that is neither http nor https.
    """
    headers = {"User-Agent": f"aernet/{__version__}", "Accept-Encoding": "identity"}
    try:
        bare, credentials = _parted(address)
        request = Request(bare, headers=headers)  # noqa: S310 - http or https
        if credentials:
            # Not for the server that a redirection leads to.
            request.add_unredirected_header("Authorization", credentials)
        with (
            watch(file.name, None) as advance,
            build_opener(_ToTheWeb(name)).open(request, timeout=_PATIENCE) as answer,
        ):
            _receive(answer, name, file, largest, advance)
    except HTTPError as error:
        raise SourceError(
            f"{name}: the server answers {error.code} {str(error.reason).splitlines()[0]}"
        ) from error
    except URLError as error:
        raise SourceError(f"{name}: cannot be fetched ({error.reason})") from error
    except (OSError, HTTPException, ValueError) as error:
        raise SourceError(f"{name}: cannot be fetched ({str(error) or type(error).__name__})") from error


def _parted(address: str) -> tuple[str, str]:
    """Return an address without user and password, and the header that carries these, empty without them."""
    parts = urlsplit(address)
    login, at, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    words = f"{unquote(user)}:{unquote(password)}".encode()
    return parts._replace(netloc=host).geturl(), f"Basic {b64encode(words).decode()}" if at else ""


def _receive(
    answer: HTTPResponse, name: str, file: Path, largest: int, on_bytes: Callable[[int], object]
) -> None:
    kind = answer.headers.get_content_type()
    if "Content-Type" in answer.headers and kind.startswith("text/"):  # without it, it is text by default
        raise SourceError(f"{name}: the server sends {kind}, not a picture or video")
    declared = answer.headers.get("Content-Length", "")
    expected = int(declared) if declared.isdecimal() else None
    received = 0
    with file.open("wb") as copy:
        while True:
            if max(received, expected or 0) > largest:
                raise SourceError(f"{name}: is larger than {largest / 1e9:.2g} GB; fetch it yourself")
            data = answer.read(_CHUNK)
            if not data:
                break
            copy.write(data)
            received += len(data)
            on_bytes(len(data))
    if expected is not None and received < expected:
        raise SourceError(f"{name}: the connection ended after {received} of {expected} bytes")


class _ToTheWeb(HTTPRedirectHandler):
    """Follows a server that leads elsewhere on the web, but to no file and to no other protocol."""

    def __init__(self, name: str) -> None:
        self._name = name

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in {"http", "https"}:
            raise SourceError(f"{self._name}: the server leads to {scheme}:, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
