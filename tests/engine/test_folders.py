from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aernet.engine.folders import cache_folder, default_engine_path, runtime_cache_path, timing_cache_path


def test_xdg_cache_home_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_engine_path("aernet") == tmp_path / "cache" / "aernet" / "engines" / "aernet.engine"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have folders of their own")
def test_without_it_the_folder_is_that_of_the_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "aernet"


def test_caches_are_of_one_gpu_and_one_version():
    gpus, versions = ("NVIDIA RTX 4090", "NVIDIA RTX 4090 D"), ("10.3.0", "10.13.3")
    paths = {timing_cache_path("tensorrt", version, gpu) for gpu in gpus for version in versions}
    paths |= {runtime_cache_path(version, gpu, "ab" * 32) for gpu in gpus for version in versions}
    assert len(paths) == 8


def test_a_name_cannot_leave_the_folder():
    folder = default_engine_path("aernet").parent
    for name in ("../../etc/passwd", "a/b", "a b"):
        assert default_engine_path(name).parent == folder
