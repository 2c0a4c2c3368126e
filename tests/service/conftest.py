"""A service of the tests' model, as it runs."""

from __future__ import annotations

import cv2
import httpx
import numpy as np
import pytest

from aernet import Segmenter
from aernet.service import Service


@pytest.fixture(scope="package")
def segmenter(model):
    with Segmenter(model, device="cpu") as segmenter:
        yield segmenter


@pytest.fixture(scope="module")
def service(segmenter):
    with Service(segmenter, port=0) as service:
        yield service


@pytest.fixture(scope="module")
def client(service):
    with httpx.Client(base_url=service.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def picture(examples):
    """The file of a real picture."""
    return examples[-1].read_bytes()


@pytest.fixture(scope="session")
def decoded():
    """Decode an answer in PNG."""

    def decode(answer):
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/png"
        return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)

    return decode
