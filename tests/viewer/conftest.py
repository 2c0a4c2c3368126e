"""A viewer of the synthetic dermatoscope, as it runs."""

from __future__ import annotations

import json
import struct
import time

import cv2
import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from aernet import Segmenter
from aernet.viewer import Viewer

SOURCE = "test://?width=320&height=180&fps=10&seed=5"  # dark lesions, as the model of the tests has them


@pytest.fixture(scope="module")
def segmenter(model):
    with Segmenter(model) as segmenter:
        yield segmenter


@pytest.fixture(scope="module")
def pipeline(segmenter):
    with segmenter.stream(SOURCE, smooth=False) as pipeline:
        yield pipeline.start()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "recordings"


@pytest.fixture
def viewer(pipeline, folder):
    with Viewer(pipeline, port=0, folder=folder) as viewer:
        yield viewer


@pytest.fixture
def client(viewer):
    with httpx.Client(base_url=viewer.url, timeout=20) as client:
        yield client


@pytest.fixture
def watch():
    """Open the stream of a viewer as its page does."""

    def watch(viewer, **how):
        return connect(f"ws://127.0.0.1:{viewer.port}/stream", compression=None, **how)

    return watch


@pytest.fixture
def next_view():
    """Return the next view of a stream, as bytes, and answer it."""

    def receive(stream):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            message = stream.recv(timeout=20)
            if isinstance(message, bytes):
                stream.send("")
                return message
        raise TimeoutError

    return receive


@pytest.fixture(scope="session")
def parts():
    """Take a view apart as the page does: header, picture (BGR), 255 times the probability."""

    def parts(message):
        header, picture = struct.unpack_from(">II", message)
        text, jpeg, gray = np.split(np.frombuffer(message, np.uint8, offset=8), [header, header + picture])
        return (
            json.loads(text.tobytes()),
            cv2.imdecode(jpeg, cv2.IMREAD_COLOR),
            cv2.imdecode(gray, cv2.IMREAD_GRAYSCALE),
        )

    return parts


@pytest.fixture
def more(pipeline, until):
    """Wait until there are so many results more."""

    def wait(count):
        before = pipeline.status().results
        until(lambda: pipeline.status().results >= before + count)

    return wait


@pytest.fixture
def until():
    """Wait until something is so."""

    def wait(condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.02)

    return wait
