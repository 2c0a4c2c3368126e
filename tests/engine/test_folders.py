from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aernet.engine.folders import cache_folder, default_engine_path, runtime_cache_path, timing_cache_path
from aernet.engine.gpu import Gpu

RTX = ("tensorrt-rtx", "1.7.1.116", None)


def test_xdg_cache_home_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "aernet" / "engines" / "tensorrt-rtx-1.7.1.116" / "several-gpus"
    assert default_engine_path("aernet", *RTX) == folder / "aernet.engine"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have folders of their own")
def test_without_it_the_folder_is_that_of_the_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "aernet"


def test_caches_and_engines_are_of_one_gpu_and_one_version():
    nano = Gpu("Orin", "8.7", 8, "NVIDIA Jetson Orin Nano Developer Kit")
    nx = Gpu("Orin", "8.7", 8, "NVIDIA Jetson Orin NX Developer Kit")
    gpus, versions = (nano, nx, Gpu("Orin", "8.7", 16, nx.board)), ("10.3.0", "10.13.3")
    paths = {default_engine_path("aernet", "tensorrt", version, gpu) for gpu in gpus for version in versions}
    paths |= {timing_cache_path("tensorrt", version, gpu) for gpu in gpus for version in versions}
    paths |= {runtime_cache_path(version, gpu, "ab" * 32) for gpu in gpus for version in versions}
    assert len(paths) == 18


def test_an_engine_of_tensorrt_rtx_is_found_whatever_gpu_built_it():
    on_a_card = default_engine_path("aernet", "tensorrt-rtx", "1.7.1.116", Gpu("a card", "8.9", 128))
    assert on_a_card == default_engine_path("aernet", *RTX)


def test_a_post_release_of_tensorrt_has_no_folder_of_its_own():
    gpu = Gpu("Orin", "8.7", 16)
    assert default_engine_path("a", "tensorrt", "10.13.3.9.post1", gpu) == default_engine_path(
        "a", "tensorrt", "10.13.3.9", gpu
    )


def test_a_name_cannot_leave_the_folder():
    folder = default_engine_path("aernet", *RTX).parent
    for name in ("../../etc/passwd", "a/b", "a b"):
        assert default_engine_path(name, *RTX).parent == folder
