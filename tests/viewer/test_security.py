from __future__ import annotations

import socket

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from aernet.viewer import Viewer
from aernet.web.address import listen, url


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("viewer") / "recordings"


@pytest.fixture(scope="module")
def viewer(pipeline, folder):
    with Viewer(pipeline, port=0, folder=folder) as viewer:
        yield viewer


@pytest.fixture(scope="module")
def outward(pipeline, folder):
    """A viewer that other machines reach."""
    with Viewer(pipeline, host="0.0.0.0", port=0, folder=folder) as viewer:
        yield viewer


@pytest.fixture
def here(outward):
    """A client of the outward viewer that knows nothing."""
    with httpx.Client(base_url=f"http://127.0.0.1:{outward.port}", timeout=20) as client:
        yield client


def token(viewer):
    return httpx.URL(viewer.url).params["token"]


EVERYTHING = ["/", "/viewer.js", "/viewer.css", "/snapshot/1", "/recordings/x.mp4", "/nothing"]


def test_a_loopback_address_needs_no_token(viewer, client, watch, next_view):
    assert "token" not in viewer.url
    assert client.get("/").status_code == 200
    with watch(viewer) as stream:
        assert next_view(stream)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_every_loopback_address_opens_at_what_it_prints(pipeline, host):
    with Viewer(pipeline, host=host, port=0) as viewer:
        assert httpx.get(viewer.url, timeout=20).status_code == 200


def test_all_addresses_are_those_of_both_kinds(pipeline):
    with Viewer(pipeline, host="::", port=0) as viewer:
        for address in ("127.0.0.1", "[::1]"):
            page = f"http://{address}:{viewer.port}/"
            assert httpx.get(page, timeout=20).status_code == 401
            assert httpx.get(page, params={"token": token(viewer)}, timeout=20).status_code == 200


@pytest.mark.parametrize("path", EVERYTHING)
def test_any_other_address_gives_nothing_without_the_token(here, outward, path):
    assert here.get(path).status_code == 401
    assert here.get(path, params={"token": "x" * 43}).status_code == 401
    assert here.get(path, params={"token": "\u00e9"}).status_code == 401
    assert here.get(path, headers={"Cookie": f"aernet-{outward.port}=x"}).status_code == 401


def test_nothing_can_be_started_without_the_token(here, outward, watch):
    assert here.post("/recording").status_code == 401
    with pytest.raises(InvalidStatus) as refused, watch(outward):
        pass
    assert refused.value.response.status_code == 403


def test_the_token_is_random_and_long(pipeline):
    tokens = set()
    for _ in range(3):
        with Viewer(pipeline, host="0.0.0.0", port=0) as viewer:
            tokens.add(token(viewer))
    assert len(tokens) == 3
    assert min(map(len, tokens)) >= 43


def test_the_printed_address_becomes_a_cookie_that_no_script_and_no_other_page_can_use(here, outward):
    answer = here.get("/", params={"token": token(outward)})
    assert answer.status_code == 200
    assert "<title>" in answer.text
    cookie = answer.headers["set-cookie"]
    assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "SameSite=Strict", "Path=/"}
    assert here.get("/viewer.js").status_code == 200
    assert "set-cookie" not in here.get("/").headers


def test_the_cookie_opens_the_stream(here, outward, watch, next_view):
    here.get("/", params={"token": token(outward)})
    cookies = "; ".join(f"{name}={value}" for name, value in here.cookies.items())
    with watch(outward, additional_headers={"Cookie": f"theme=dark; {cookies}"}) as stream:
        assert next_view(stream)


@pytest.mark.parametrize("path", ["/viewer.js", "/recording", "/nothing"])
def test_the_token_counts_in_the_page_s_address_alone(here, outward, path):
    assert here.get(path, params={"token": token(outward)}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.1.2.3", "", "[::1"]
)
def test_a_loopback_address_goes_by_no_other_name(viewer, client, host):
    assert client.get("/", headers={"Host": host}).status_code == 403
    assert shake_hands(viewer, host) == b"HTTP/1.1 403"
    assert shake_hands(viewer, f"localhost:{viewer.port}") == b"HTTP/1.1 101"


def shake_hands(viewer, host):
    """Ask for the stream at a name that no client of WebSockets would give; return how the answer begins."""
    with socket.create_connection(("127.0.0.1", viewer.port), timeout=20) as connection:
        connection.sendall(
            f"GET /stream HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return connection.recv(12)


def test_a_tunnel_may_have_another_port(client):
    assert client.get("/", headers={"Host": "localhost:9000"}).status_code == 200


def test_an_outward_address_goes_by_its_names_and_addresses(here, outward):
    params = {"token": token(outward)}
    assert here.get("/", params=params, headers={"Host": "evil.example"}).status_code == 403
    for host in ("192.0.2.7:8400", "[2001:db8::7]", socket.gethostname(), f"{socket.gethostname()}.local"):
        assert here.get("/", params=params, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", ""])
def test_another_page_may_not_ask(viewer, client, watch, origin):
    assert client.post("/recording", headers={"Origin": origin}).status_code == 403
    assert client.get("/", headers={"Origin": origin}).status_code == 403
    with pytest.raises(InvalidStatus) as refused, watch(viewer, additional_headers={"Origin": origin}):
        pass
    assert refused.value.response.status_code == 403


def test_another_port_of_this_machine_is_another_page(viewer, client):
    other = f"http://127.0.0.1:{viewer.port + 1}"
    assert client.post("/recording", headers={"Origin": other}).status_code == 403


def test_the_page_itself_may_ask(viewer, client, watch, next_view):
    origin = f"http://127.0.0.1:{viewer.port}"
    assert client.delete("/recording", headers={"Origin": origin}).status_code == 204
    with watch(viewer, origin=origin) as stream:
        assert next_view(stream)


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/recordings/../secret.txt",
        "/recordings/..%2fsecret.txt",
        "/recordings/%2fetc%2fpasswd",
        "/recordings/secret.mp4",
        "/recordings/",
        "//etc/passwd",
        "/viewer.js/../server.py",
        "/server.py",
        "/snapshot/../server.py",
        "/snapshot/-1",
        "/snapshot/" + "9" * 5000,
        "/viewer.js%00.py",
    ],
)
def test_no_path_reaches_a_file(viewer, folder, path):
    folder.mkdir(exist_ok=True)
    for secret in (folder.parent / "secret.txt", folder / "secret.mp4"):
        secret.write_text("secret")
    # A client of HTTP's tidies paths up, a socket does not.
    with socket.create_connection(("127.0.0.1", viewer.port), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")
    reasons = (b"Not Found", b"There is no such recording.", b"No page shows that frame any more.")
    assert answer.endswith(reasons)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "POST"])
def test_no_other_method_is_answered(client, method):
    assert client.request(method, "/").status_code == 405


def test_another_page_can_neither_embed_nor_read_it(client):
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_the_printed_address_can_be_opened_from_elsewhere():
    with listen("0.0.0.0", 0) as listening:
        assert "0.0.0.0" not in url("0.0.0.0", listening)
    with listen("127.0.0.1", 0) as listening:
        assert url("127.0.0.1", listening) == f"http://127.0.0.1:{listening.getsockname()[1]}/"
