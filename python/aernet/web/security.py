"""Refuses requests of strangers and of other pages."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

ACCEPTED = "aernet.accepted"
"""A key of a request's `state` that is there once the request is let in."""

_SHORT_BODY = 1_000_000
_SHORT_BODY_SECONDS = 1.0


class Guard:
    """Passes the requests of its own page and of programs on, and refuses all others before the application.

    - The Host must name this machine, against DNS rebinding.
    - An Origin, if there is one, must equal the Host, so that no other page can send requests.
    - Where there is a token, the page's address holds it once; from then on a cookie holds it. A program
      sends it as `Authorization: Bearer TOKEN`.
    - A body must not be larger than is allowed; the application counts one that does not state its length.
      One that states two lengths may be another request for a proxy than it is here.

    Args:
        app: the application to guard.
        hosts: the allowed values of Host, in lower case.
        token: the token that a client must know; with one, Host may also be any IP address, which DNS
            rebinding cannot use. None lets every client in.
        cookie: the name of the cookie; it should hold the port, because cookies ignore ports.
        largest_body: bytes that a request may have beside its head; with 0 it must have none.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        *,
        token: str | None,
        cookie: str,
        largest_body: int = 0,
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._token = token
        self._cookie = cookie
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse a request."""
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.update(_HEADERS)
                if refusal is None and self._brings_token(scope):
                    answer["Set-Cookie"] = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            await send(message)

        if refusal is None:
            scope.setdefault("state", {})[ACCEPTED] = True
            await self._app(scope, receive, send_guarded)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, words = refusal
            if int(headers.get("content-length", "0")) <= _SHORT_BODY and "transfer-encoding" not in headers:
                # A client that still sends when the connection is closed may lose the answer.
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(_skip_body(receive), _SHORT_BODY_SECONDS)
            # Closing the connection avoids waiting for a long body.
            response = PlainTextResponse(words + "\n", status, {"Connection": "close"})
            await response(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        own = {f"http://{host.lower()}", f"https://{host.lower()}"}
        if not self._is_here(host):
            return 403, "This server does not have the name in the Host header."
        if not own.issuperset(origin.lower() for origin in headers.getlist("origin")):
            return 403, "Requests of other pages are refused."
        if self._token is not None and not (self._brings_token(scope) or self._knows_token(headers)):
            return 401, "Open the address that aernet-trt printed when it was started."
        return self._refusal_of_body(headers)

    def _refusal_of_body(self, headers: Headers) -> tuple[int, str] | None:
        stated = headers.get("content-length", "0")
        if "transfer-encoding" in headers and "content-length" in headers:
            return 400, "A request with both Content-Length and Transfer-Encoding is refused."
        if self._largest_body == 0 and ("transfer-encoding" in headers or stated != "0"):
            return 413, "Requests with a body are refused."
        if int(stated) > self._largest_body:  # whose digits h11 has checked
            return 413, f"Bodies of more than {self._largest_body} bytes are refused."
        return None

    def _is_here(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name in self._hosts:
                return True
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._token is not None

    def _brings_token(self, scope: Scope) -> bool:
        if self._token is None or scope["type"] != "http" or scope["path"] != "/":
            return False
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return len(tokens) == 1 and _same(tokens[0], self._token)

    def _knows_token(self, headers: Headers) -> bool:
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._token is not None and _same(sent.strip(), self._token):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and self._token is not None and _same(cookie.value, self._token)


async def _skip_body(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass


def _same(value: str, token: str) -> bool:
    return secrets.compare_digest(value.encode(), token.encode())
