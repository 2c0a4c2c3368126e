from __future__ import annotations

import numpy as np
import pytest
from engine.models import write_crafted, write_network
from fakes.tensorrt import SIZE, VERSION, DarkNetwork, FakeTensorRt

import aernet.runners.tensorrt
from aernet.engine.gpu import Gpu
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.tensorrt import TensorRtRunner


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return write_network(tmp_path_factory.mktemp("network") / "darker.onnx")


@pytest.fixture(scope="module")
def reference(network):
    return OnnxRuntimeRunner(network)


@pytest.fixture
def set_up(fake_native, monkeypatch):
    """Say what the fake GPU is like."""

    def set_up(**changes):
        settings = fake_native.Settings()
        for name, value in changes.items():
            setattr(settings, name, value)
        fake_native.set(settings)

    set_up.native = fake_native
    set_up()
    monkeypatch.setattr(aernet.runners.tensorrt, "_native", fake_native)
    monkeypatch.setattr(aernet.runners.tensorrt, "installed_runtimes", lambda: {"tensorrt-rtx": VERSION})
    monkeypatch.setattr(aernet.runners.tensorrt, "find_gpu", lambda *_: Gpu("Host", "8.9", 16))
    yield set_up
    set_up()


@pytest.fixture
def open_engine(set_up, network, tmp_path, monkeypatch):
    """Open an engine with a fake TensorRT of its own."""

    def open_engine(dtype=np.float32, *, batch=(1, 1, 8), graphs=True, capturable=True, size=SIZE):
        runtime = FakeTensorRt(DarkNetwork(set_up.native), dtype, size)
        runtime.is_capturable = capturable
        monkeypatch.setattr(aernet.runners.tensorrt, "open_runtime", lambda _: runtime)
        path = write_crafted(tmp_path / "darker.engine", network, batch=batch)
        return TensorRtRunner(path, model=network, graphs=graphs), runtime

    return open_engine


@pytest.fixture
def runner(open_engine):
    return open_engine()[0]
