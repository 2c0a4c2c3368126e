"""A hundred idle connections and more, none with the token, and one client that knows it.

Each kind of stranger fills viewer and service anew whenever it is put out; meanwhile the client asks again
and again.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import socket
import tempfile
import threading
import time
from pathlib import Path

import cv2
import httpx
import psutil
import soaking

from aernet import Segmenter
from aernet.service import Service
from aernet.viewer import Viewer

TOKEN = "0123456789abcdef" * 2
HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
STRANGERS = {
    "none": None,
    "say nothing": b"",
    "half a request": HEAD,
    "no token": HEAD + b"\r\n",
    "no token, a body that does not come": HEAD.replace(b"GET /", b"POST /segment")
    + b"Content-Length: 9\r\n\r\n",
    "half a WebSocket": HEAD
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nX: 1\r\nContent-Length: 5\r\n\r\n",
}


def besiege(port, said, count, stop):
    """Hold so many connections open, each made anew once it is ended."""
    held = []
    while not stop.is_set():
        for connection in held[:]:
            try:
                connection.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except OSError:
                pass
            connection.close()
            held.remove(connection)
        while len(held) < count and not stop.is_set():
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=5)
                connection.sendall(said)
            except OSError:
                break
            held.append(connection)
        time.sleep(0.05)
    for connection in held:
        connection.close()


def ask(server, kind, strangers, port, request, count, times):
    """Return a row: how often the client was answered, and the longest it waited."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=besiege, args=(port, strangers, count, stop))
        for _ in range(strangers is not None)
    ]
    for thread in threads:
        thread.start()
    time.sleep(2 * len(threads))
    answered, longest = 0, 0.0
    for _ in range(times):
        begin = time.perf_counter()
        with contextlib.suppress(httpx.HTTPError):
            answered += request().status_code == 200
        longest = max(longest, time.perf_counter() - begin)
    stop.set()
    for thread in threads:
        thread.join()
    files = psutil.Process().num_fds()
    return {
        "server": server,
        "strangers": kind,
        "connections": count if threads else 0,
        "asked": times,
        "answered": answered,
        "longest, s": round(longest, 2),
        "file descriptors after": files,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=150)
    parser.add_argument("--times", type=int, default=100, help="how often the client asks, each time anew")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    model = soaking.write_small_model(folder / "small.onnx")
    picture = cv2.imencode(".png", soaking.lesion(1)[0])[1].tobytes()
    header = {"Authorization": f"Bearer {TOKEN}"}
    rows = []
    with (
        Segmenter(str(model), "cpu") as segmenter,
        segmenter.stream("test://?width=160&height=90") as pipeline,
    ):
        service = Service(segmenter, port=0, token=TOKEN)
        viewer = Viewer(pipeline, host="0.0.0.0", port=0, folder=folder)
        page = f"http://127.0.0.1:{viewer.port}/{viewer.url.rpartition('/')[2]}"
        with service, viewer:
            address = f"http://127.0.0.1:{service.port}/segment"
            for (kind, said), (name, port, request) in itertools.product(
                STRANGERS.items(),
                (
                    (
                        "serve",
                        service.port,
                        lambda: httpx.post(address, content=picture, headers=header, timeout=30),
                    ),
                    ("viewer", viewer.port, lambda: httpx.get(page, timeout=30)),
                ),
            ):
                rows.append(ask(name, kind, said, port, request, options.connections, options.times))
                print(rows[-1], flush=True)
    soaking.report(
        "connections", "Strangers' connections, and a client with the token", rows, ["server", "strangers"]
    )


if __name__ == "__main__":
    main()
