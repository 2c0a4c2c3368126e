from __future__ import annotations

import socket
import time
from contextlib import closing
from http.client import HTTPConnection
from unittest.mock import Mock

import pytest
from websockets.exceptions import ConnectionClosed

from aernet.web import deadline

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def dial(viewer):
    connections = []

    def dial():
        connection = socket.create_connection(("127.0.0.1", viewer.port), timeout=20)
        connections.append(connection)
        return connection

    yield dial
    for connection in connections:
        connection.close()


def read_to_the_end(connection):
    """Return what comes until the server ends the connection; fail if it does not within 20 seconds."""
    content = b""
    try:
        while more := connection.recv(65536):
            content += more
    except ConnectionError:
        pass
    return content


def write_to_the_end(connection, data, times, pause=0.0):
    """Send data again and again; return how often that went well."""
    for count in range(times):
        try:
            connection.sendall(data)
        except ConnectionError:
            return count
        time.sleep(pause)
    return times


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 0.5)


@pytest.mark.parametrize("said", [b"", b"G", HEAD])
@pytest.mark.usefixtures("impatient")
def test_a_connection_that_asks_for_nothing_ends(dial, said):
    connection = dial()
    connection.sendall(said)
    assert read_to_the_end(connection) == b""


@pytest.mark.parametrize(
    "more",
    [
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"X: 1\r\n" * 200,
        b"X: " + b"x" * 10000 + b"\r\n",
    ],
)
@pytest.mark.usefixtures("impatient")
def test_an_upgrade_that_cannot_be_read_ends(dial, more):
    connection = dial()
    connection.sendall(
        b"GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + more + b"\r\n"
    )
    assert read_to_the_end(connection) == b""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("asked_before", [False, True])
def test_a_head_that_comes_byte_by_byte_is_cut_off(dial, asked_before):
    connection = dial()
    if asked_before:
        connection.sendall(HEAD + b"\r\n")
        while not connection.recv(65536).endswith(b"</html>\n"):
            pass
    connection.sendall(HEAD)
    assert 0 < write_to_the_end(connection, b"X", 400, 0.05) < 400


def test_who_asks_in_time_stays(viewer, watch, next_view, monkeypatch):
    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 5.0)
    connection = HTTPConnection("127.0.0.1", viewer.port, timeout=20)
    connection.connect()
    connection.auto_open = False  # it is this one that stays
    with watch(viewer) as stream, closing(connection):
        end = time.monotonic() + 6
        while time.monotonic() < end:
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()
            time.sleep(0.05)
        for _ in range(3):
            assert next_view(stream)


def test_slow_ones_keep_nobody_out(dial, client):
    for _ in range(deadline.CONNECTIONS // 2):
        dial().sendall(HEAD)
    assert client.get("/").status_code == 200


def served(connection):
    """Ask for the page; return whether it comes."""
    try:
        connection.sendall(HEAD + b"\r\n")
        content = b""
        while not content.endswith(b"</html>\n"):
            if not (more := connection.recv(65536)):
                return False
            content += more
    except ConnectionError:
        return False
    return content.startswith(b"HTTP/1.1 200")


def test_a_full_house_of_idle_connections_keeps_nobody_out(dial, client):
    """Whether they say nothing, a part of a request, or are refused."""
    for said in (b"", HEAD, HEAD.replace(b"localhost", b"elsewhere") + b"\r\n"):
        for _ in range(deadline.CONNECTIONS + 20):
            dial().sendall(said)
        with closing(HTTPConnection("127.0.0.1", client.base_url.port, timeout=20)) as one:
            one.request("GET", "/")
            assert one.getresponse().status == 200


def test_of_too_many_connections_the_strangers_end_first_then_the_longest_at_rest(dial, monkeypatch):
    monkeypatch.setattr(deadline, "CONNECTIONS", 3)
    monkeypatch.setattr(deadline, "_FRESH_SECONDS", 0.0)
    known = [dial() for _ in range(2)]
    assert all(served(connection) for connection in known)
    stranger, other = dial(), dial()
    assert read_to_the_end(stranger) == b""
    assert served(other)  # three are known now
    newest = dial()
    assert read_to_the_end(known[0]) == b""
    assert all(served(connection) for connection in (known[1], other, newest))


def test_whoever_watches_stays_in_a_full_house(dial, viewer, watch, next_view, monkeypatch):
    monkeypatch.setattr(deadline, "CONNECTIONS", 3)
    with watch(viewer) as one, watch(viewer) as two, watch(viewer) as three:
        assert read_to_the_end(dial()) == b""  # all are busy
        for stream in (one, two, three):
            assert next_view(stream)
    end = time.monotonic() + 20
    while not served(dial()):
        assert time.monotonic() < end, "no place became free"
        time.sleep(0.05)


def test_the_client_with_the_most_connections_makes_room(monkeypatch):
    def connection(host, made):
        transport = Mock(abort=lambda: gone.append((host, made)))
        kept.append(transport)
        deadline._begin[transport] = made
        return Mock(
            spec=["client", "cycle", "transport", "loop"], client=(host, 1), cycle=None, transport=transport
        )

    kept, gone = [], []
    house = [connection("10.0.0.1", 1)] + [connection("10.0.0.2", made) for made in (3, 2, 4)]
    new = connection("10.0.0.3", 5)
    new.loop.time.return_value = 5.0
    monkeypatch.setattr(deadline, "CONNECTIONS", 4)
    deadline.DeadlineProtocol._make_room(new, house)
    assert gone == [("10.0.0.2", 2)]
    gone.clear()
    new.loop.time.return_value = 2.5  # when that one is fresh
    deadline.DeadlineProtocol._make_room(new, house)
    assert gone == [("10.0.0.1", 1)]
    gone.clear()
    monkeypatch.setattr(deadline, "_MOST", 4)
    deadline.DeadlineProtocol._make_room(new, house)
    assert gone == [("10.0.0.2", 2)]


@pytest.mark.parametrize(
    "length", [b"Content-Length: 1", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"]
)
def test_a_body_is_not_waited_for(dial, length):
    connection = dial()
    connection.sendall(b"POST /recording HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")
    assert read_to_the_end(connection).startswith(b"HTTP/1.1 413")


def test_a_huge_body_is_cut_off(dial, client):
    connection = dial()
    connection.sendall(b"POST /recording HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
    assert write_to_the_end(connection, b"x" * 1_000_000, 200) < 100
    assert client.get("/").status_code == 200


def test_a_huge_head_is_cut_off(dial):
    connection = dial()
    connection.sendall(HEAD + b"X: " + b"x" * 20000)
    assert read_to_the_end(connection).startswith(b"HTTP/1.1 400")


def test_a_huge_message_ends_the_stream(viewer, watch):
    with watch(viewer) as stream:
        stream.send("x" * 100)
        with pytest.raises(ConnectionClosed) as closed:
            list(stream)
    assert closed.value.rcvd.code == 1009  # too big, RFC 6455
