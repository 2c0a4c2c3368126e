"""Tests on a real GPU: `pytest -m gpu`. Without one they are skipped, or with AERNET_REQUIRE_GPU=1 fail."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import cv2
import pytest
from gpu.driver import require_driver, require_tensorrt
from runners.planes import open_plane_engine

from aernet import Segmenter
from aernet.pictures import example_pictures, read_picture

SIZE = 256


@pytest.fixture(scope="session", autouse=True)
def driver():
    """The CUDA driver; no test of this folder runs without a GPU."""
    return require_driver()


@pytest.fixture
def open_copying(driver, tmp_path, monkeypatch):
    """Open a runner whose engine copies a plane of its input: all is real but TensorRT."""

    def open_copying(plane=0, **options):
        return open_plane_engine(monkeypatch, tmp_path, driver, plane, SIZE, **options)

    return open_copying


@pytest.fixture
def copying(open_copying):
    return open_copying()[0]


@pytest.fixture(scope="session")
def engine(tmp_path_factory, start):
    """The engine of the bundled model, as the command builds it, where `auto` looks."""
    require_tensorrt()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with start("build-engine", "aernet") as process:
            _, stderr = process.communicate(timeout=1800)
        assert process.returncode == 0, stderr
        yield next(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.engine"))


@pytest.fixture(scope="module")
def on_gpu(engine):
    with Segmenter(device="cuda") as segmenter:
        assert segmenter.runner.engine == engine
        yield segmenter


@pytest.fixture(scope="session")
def on_cpu():
    with Segmenter(device="cpu") as segmenter:
        yield segmenter


@pytest.fixture(scope="session")
def real_frames():
    """Dermoscopic pictures: whole, at 1080p, small, and as views."""
    pictures = [read_picture(path) for path in example_pictures()]
    large = cv2.resize(pictures[0], (1920, 1080), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(pictures[1], (101, 67), interpolation=cv2.INTER_AREA)
    return [*pictures, large, large[::-1], large[40:-30, 11:-7], large[..., ::-1], small]


@pytest.fixture
def current_context(driver):
    """Whatever a test does, the thread's current context is afterwards what it was before."""
    before = driver.current_context()
    yield
    with suppress(AssertionError):
        driver.synchronize()
    assert driver.current_context() == before
