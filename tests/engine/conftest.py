from __future__ import annotations

from functools import partial

import pytest
from engine import models


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    return models.write_network(tmp_path_factory.mktemp("network") / "darker.onnx")


@pytest.fixture(scope="session")
def overflowing(tmp_path_factory):
    """The same function, with activations that float16 cannot hold."""
    return models.write_network(tmp_path_factory.mktemp("overflowing") / "darker.onnx", gain=1000)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aernet"


@pytest.fixture
def write_crafted(network):
    return partial(models.write_crafted, network=network)
