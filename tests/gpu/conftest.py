"""Tests on a real GPU: `pytest -m gpu`. Without one they are skipped, or with AERNET_REQUIRE_GPU=1 fail."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import cv2
import pytest
from engine.models import METADATA, write_crafted
from gpu.copying import SIZE, VERSION, CopyingRuntime, Driver

import aernet.runners.tensorrt
from aernet import AernetError, Segmenter, _native
from aernet.engine.adapter import installed_runtimes
from aernet.models import resolve_model
from aernet.pictures import example_pictures, read_picture
from aernet.runners.tensorrt import TensorRtRunner


@pytest.fixture(scope="session", autouse=True)
def driver():
    """The CUDA driver; no test of this folder runs without a GPU."""
    count, reason = 0, "this aernet was built without CUDA"
    if _native.cuda_version is not None:
        try:
            count = _native.device_count()
        except AernetError as error:
            reason = str(error)
    if count == 0 and os.environ.get("AERNET_REQUIRE_GPU") == "1":
        pytest.fail(reason)
    if count == 0:
        pytest.skip(reason)
    return Driver()


@pytest.fixture
def open_copying(driver, tmp_path, monkeypatch):
    """Open a runner whose engine copies a plane of its input: all is real but TensorRT."""

    def open_copying(plane=0, *, batch=(1, 1, 8), graphs=True):
        runtime = CopyingRuntime(driver, plane)
        monkeypatch.setattr(aernet.runners.tensorrt, "open_runtime", lambda _: runtime)
        monkeypatch.setattr(aernet.runners.tensorrt, "installed_runtimes", lambda: {"tensorrt-rtx": VERSION})
        path = write_crafted(
            tmp_path / "copying.engine",
            resolve_model("aernet"),
            metadata=METADATA | {"aernet.size": str(SIZE)},
            compute_capabilities=("7.0+",),
            batch=batch,
        )
        return TensorRtRunner(path, graphs=graphs), runtime

    return open_copying


@pytest.fixture
def copying(open_copying):
    return open_copying()[0]


@pytest.fixture(scope="session")
def engine(tmp_path_factory, start):
    """The engine of the bundled model, as the command builds it, where `auto` looks."""
    if not installed_runtimes():
        pytest.skip("no TensorRT")
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
