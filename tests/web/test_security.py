"""What the guard of the page and the service lets through, request by request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from aernet.web.security import ACCEPTED, Guard

TOKEN = "the-token"
HERE = ("host", "localhost:8400")


@dataclass
class Answer:
    status: int | None = None
    headers: list = field(default_factory=list)
    text: str = ""
    messages: list = field(default_factory=list)
    seen: dict | None = None
    """The request as the application got it; None if it was refused before."""
    read: int = 0
    """Parts of the body that the guard has read."""

    def header(self, name):
        return [value for key, value in self.headers if key == name.lower()]


def ask(*headers, token=None, path="/", query="", kind="http", body=(), state=None, **limits):
    """Send one request through a guard; by default one without a body for this machine."""
    answer = Answer()

    async def application(scope, _, send):
        answer.seen = scope
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
            await send({"type": "http.response.body", "body": b"hello"})
        else:
            await send({"type": "websocket.accept"})

    async def receive():
        if answer.read == len(body):
            await asyncio.sleep(3600)
        answer.read += 1
        await asyncio.sleep(body[answer.read - 1])
        return {"type": "http.request", "body": b"x", "more_body": answer.read < len(body)}

    async def send(message):
        answer.messages.append(message)
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(key.decode(), value.decode()) for key, value in message["headers"]]
        answer.text += message.get("body", b"").decode()

    scope = {
        "type": kind,
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers or (HERE,)],
    }
    if state is not None:
        scope["state"] = state
    guard = Guard(application, {"localhost", "127.0.0.1"}, token=token, cookie="aernet-8400", **limits)
    asyncio.run(guard(scope, receive, send))
    if kind == "http":
        assert (answer.seen is not None) == (answer.status == 200)
    return answer


@pytest.mark.parametrize("host", ["localhost", "LocalHost:9000", "127.0.0.1:1"])
def test_this_machine_by_its_names(host):
    assert ask(("host", host)).text == "hello"
    assert ask(("host", host), token=TOKEN).status == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "[::1", "127.0.0.1.evil.example"]
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_another_name(host, token):
    answer = ask(("host", host), token=token)
    assert (answer.status, answer.text) == (403, "This server does not have the name in the Host header.\n")
    assert ask(("x-nothing", ""), token=token).status == 403


@pytest.mark.parametrize("host", ["192.0.2.7:8400", "[2001:db8::7]:8400"])
def test_an_address_is_a_name_where_a_token_is_due(host):
    assert ask(("host", host)).status == 403
    assert ask(("host", host), token=TOKEN).status == 401
    assert ask(("host", host), token=TOKEN, query=f"token={TOKEN}").status == 200


@pytest.mark.parametrize(
    "origin", ["http://localhost:8400", "https://localhost:8400", "HTTP://LOCALHOST:8400"]
)
def test_the_page_itself(origin):
    assert ask(HERE, ("origin", origin)).status == 200
    assert ask(("host", "LOCALHOST:8400"), ("origin", origin)).status == 200


@pytest.mark.parametrize(
    "origin", ["http://localhost", "http://localhost:8401", "ws://localhost:8400", "null", ""]
)
def test_another_page(origin):
    answer = ask(HERE, ("origin", origin))
    assert (answer.status, answer.text) == (403, "Requests of other pages are refused.\n")
    assert ask(HERE, ("origin", "http://localhost:8400"), ("origin", origin)).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", TOKEN)],
        [("authorization", "Bearer")],
        [("authorization", "Bearer wrong")],
        [("authorization", f"Basic {TOKEN}")],
        [("authorization", f"Carrier {TOKEN}")],
        [("cookie", "aernet-8400=wrong")],
        [("cookie", f"other={TOKEN}")],
        [("cookie", f"a,b=1; aernet-8400={TOKEN}")],  # Python takes no such name
    ],
)
def test_who_does_not_know_the_token(headers):
    answer = ask(HERE, *headers, token=TOKEN)
    assert answer.status == 401
    assert answer.text == "Open the address that aernet-trt printed when it was started.\n"
    assert not answer.header("set-cookie")


@pytest.mark.parametrize(
    "header",
    [
        ("authorization", f"Bearer {TOKEN}"),
        ("authorization", f"bearer  {TOKEN} "),
        ("cookie", f"theme=dark; aernet-8400={TOKEN}"),
    ],
)
def test_who_knows_the_token(header):
    for path in ("/", "/stream"):
        answer = ask(HERE, header, token=TOKEN, path=path)
        assert answer.text == "hello"
        assert not answer.header("set-cookie")
    assert ask(HERE, header, token=TOKEN, path="/stream", kind="websocket").seen


def test_the_page_s_address_gives_the_cookie():
    answer = ask(token=TOKEN, query=f"a=b&token={TOKEN}")
    assert answer.text == "hello"
    assert answer.header("set-cookie") == [f"aernet-8400={TOKEN}; HttpOnly; SameSite=Strict; Path=/"]
    assert not ask(query=f"token={TOKEN}").header("set-cookie")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", ""),
        ("/", "token="),
        ("/", "token=wrong"),
        ("/", f"token={TOKEN}&token={TOKEN}"),
        ("/", f"token=wrong&token={TOKEN}"),
        ("/viewer.js", f"token={TOKEN}"),
        ("!", f"token={TOKEN}"),
    ],
)
def test_the_token_counts_once_and_in_the_page_s_address_alone(path, query):
    answer = ask(token=TOKEN, path=path, query=query)
    assert answer.status == 401
    assert not answer.header("set-cookie")


def test_another_page_with_the_token_gets_no_cookie():
    answer = ask(HERE, ("origin", "http://evil.example"), token=TOKEN, query=f"token={TOKEN}")
    assert answer.status == 403
    assert not answer.header("set-cookie")


@pytest.mark.parametrize("headers", [[], [("origin", "http://evil.example")]])
def test_a_websocket_of_a_stranger_is_closed(headers):
    answer = ask(HERE, *headers, token=TOKEN, kind="websocket", query=f"token={TOKEN}")
    assert answer.messages == [{"type": "websocket.close", "code": 1008}]
    assert answer.seen is None


def test_a_websocket_of_the_page_is_let_in():
    answer = ask(kind="websocket")
    assert answer.messages == [{"type": "websocket.accept"}]
    assert answer.seen["state"] == {ACCEPTED: True}


def test_a_request_that_is_let_in_says_so_beside_what_it_said():
    assert ask().seen["state"] == {ACCEPTED: True}
    assert ask(state={"other": 1}).seen["state"] == {"other": 1, ACCEPTED: True}
    state = {"other": 1}
    ask(token=TOKEN, state=state)
    assert state == {"other": 1}


@pytest.mark.parametrize("header", [("content-length", "1"), ("transfer-encoding", "chunked")])
def test_no_body_where_none_is_allowed(header):
    answer = ask(HERE, header, body=[0])
    assert (answer.status, answer.text) == (413, "Requests with a body are refused.\n")
    assert ask(HERE, ("content-length", "0")).status == 200


def test_a_body_of_two_lengths_is_refused():
    """A proxy that goes by the other would take its rest for the next request."""
    answer = ask(HERE, ("content-length", "4"), ("transfer-encoding", "chunked"), body=[0], largest_body=100)
    assert answer.status == 400
    assert answer.header("connection") == ["close"]


def test_a_body_up_to_what_is_allowed():
    assert ask(HERE, ("content-length", "10"), largest_body=10).status == 200
    assert ask(HERE, ("transfer-encoding", "chunked"), largest_body=10).status == 200
    answer = ask(HERE, ("content-length", "11"), largest_body=10, body=[0])
    assert (answer.status, answer.text) == (413, "Bodies of more than 10 bytes are refused.\n")
    assert ask(HERE, ("content-length", "1"), largest_body=1).status == 200


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (("content-length", "3"), 3),
        (("content-length", "1000000"), 3),
        (("content-length", "1000001"), 0),
        (("transfer-encoding", "chunked"), 0),
    ],
)
def test_a_refusal_waits_for_a_short_body(header, read):
    """The parts come with pauses of a tenth of the time that is waited."""
    answer = ask(HERE, header, token=TOKEN, body=[0.01, 0.1, 0.0])
    assert answer.status == 401
    assert answer.read == read


def test_a_refusal_does_not_wait_for_ever():
    answer = ask(HERE, ("content-length", "3"), token=TOKEN, body=[0.0, 3600.0, 0.0])
    assert (answer.status, answer.read) == (401, 2)


@pytest.mark.parametrize("token", [None, TOKEN])
def test_every_answer_forbids_what_no_page_of_ours_needs(token):
    answer = ask(token=token)
    assert answer.header("cache-control") == ["no-store"]
    assert answer.header("x-content-type-options") == ["nosniff"]
    assert answer.header("referrer-policy") == ["no-referrer"]
    assert answer.header("cross-origin-opener-policy") == ["same-origin"]
    assert answer.header("cross-origin-resource-policy") == ["same-origin"]
    (policy,) = answer.header("content-security-policy")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
    assert answer.header("connection") == ([] if token is None else ["close"])
    assert answer.header("x-own") == (["1"] if token is None else [])
