from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from ports import free_port

# Ray takes 127.0.0.1 for the machine's address in its network, which need not be reachable.
HOST = "127.0.0.2"


class Nodes:
    """A head and a second node of a Ray cluster, with two processors each, on the loopback interface."""

    def __init__(self, folder, environment):
        self._folder = folder
        self._environment = os.environ | environment
        self._port = free_port(HOST)
        self.address = f"{HOST}:{self._port}"
        self._processes = []
        self._log = (folder / "log").open("wb")

    def start(self):
        """Start both; what has started is there to be stopped, should the other fail."""
        self.head = self._start(
            "--head", f"--port={self._port}", f"--temp-dir={self._folder}", "--include-dashboard=false"
        )
        self._wait(1)
        self.second = self._start(f"--address={self.address}")
        self._wait(2)

    def _start(self, *options):
        words = [Path(sys.executable).with_name("ray"), "start", "--block", *options]
        words += [f"--node-ip-address={HOST}", "--num-cpus=2", "--object-store-memory=100000000"]
        self._processes.append(psutil.Popen(words, stdout=self._log, stderr=self._log, env=self._environment))
        return self._processes[-1]

    def _wait(self, count):
        """Wait until a program sees so many nodes."""
        program = (
            f"import ray; ray.init({self.address!r}, log_to_driver=False);"
            f" raise SystemExit(sum(node['Alive'] for node in ray.nodes()) != {count})"
        )
        end = time.monotonic() + 180
        while time.monotonic() < end and self._processes[-1].poll() is None:
            time.sleep(0.5)
            if not self._listens():
                continue
            with suppress(subprocess.TimeoutExpired):
                seen = subprocess.run(
                    [sys.executable, "-c", program],
                    check=False,
                    capture_output=True,
                    timeout=60,
                    env=self._environment,
                )
                if seen.returncode == 0:
                    return
        raise TimeoutError(Path(self._log.name).read_text(encoding="utf-8"))

    def _listens(self):
        host, port = self.address.split(":")
        with socket.socket() as trial:
            return trial.connect_ex((host, int(port))) == 0

    def kill(self, node):
        """Let a machine fail: its processes end at once."""
        everything = [node, *node.children(recursive=True)]
        for process in everything:
            # Ray's processes end each other, so that one may be gone before its turn.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        node.wait(20)

    def stop(self):
        """End what still runs, the second node first."""
        for process in reversed(self._processes):
            if process.poll() is None:
                self.kill(process)
        self._log.close()


@contextmanager
def running_nodes(**environment):
    pytest.importorskip("ray")
    # The paths of sockets are short.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        cluster = Nodes(Path(folder), environment)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(autouse=True)
def settings_of_ray(monkeypatch):
    """Ray neither reports its use nor looks for a token in the folder of whoever runs the tests."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")


@pytest.fixture
def nodes():
    with running_nodes() as cluster:
        yield cluster


@pytest.fixture
def guarded_nodes():
    """A cluster that asks for a token."""
    with running_nodes(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64) as cluster:
        yield cluster


@pytest.fixture
def pictures(tmp_path):
    """A folder with 60 small pictures of a dark spot, each at another place, and one that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(60):
        skin = np.full((60, 80, 3), 220, np.uint8)
        cv2.circle(skin, (10 + number, 30), 12, (60, 60, 60), cv2.FILLED, cv2.LINE_AA)
        cv2.imwrite(str(folder / f"{number:02}.png"), cv2.GaussianBlur(skin, (0, 0), 3))
    (folder / "none.png").write_bytes(b"no picture")
    return folder
