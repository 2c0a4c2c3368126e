from __future__ import annotations

import ctypes

import pytest

from aernet.engine import gpu as gpu_module
from aernet.engine.gpu import Gpu, board_model, find_gpu


class Driver:
    """libcuda as far as it is asked, with two devices; `failing` is the call that fails."""

    def __init__(self, failing=None, in_use=None):
        self.failing, self.in_use = failing, in_use

    def __getattr__(self, name):
        def call(*arguments):
            if name == self.failing:
                return 100
            if name == "cuCtxGetDevice":
                if self.in_use is None:
                    return 201  # no context
                arguments[0]._obj.value = self.in_use
            elif name == "cuDeviceGet":
                arguments[0]._obj.value = arguments[1]
            elif name == "cuDeviceGetName":
                arguments[0].value = (b"NVIDIA RTX 4090", b"NVIDIA RTX 3090")[arguments[2].value]
            elif name == "cuDeviceGetAttribute":
                arguments[0]._obj.value = {16: (128, 82), 75: (8, 8), 76: (9, 6)}[arguments[1]][
                    arguments[2].value
                ]
            return 0

        return call


@pytest.fixture(autouse=True)
def no_board(monkeypatch):
    monkeypatch.setattr(gpu_module, "_BOARD_FILES", [])


def test_the_first_gpu(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver())
    assert find_gpu() == Gpu("NVIDIA RTX 4090", "8.9", 128)


def test_the_gpu_in_use_comes_before_the_first(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(in_use=1))
    assert find_gpu() == Gpu("NVIDIA RTX 3090", "8.6", 82)
    assert find_gpu().index == 1


def test_a_gpu_by_its_number_whatever_is_in_use(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(in_use=1))
    assert find_gpu(0) == Gpu("NVIDIA RTX 4090", "8.9", 128)


def test_a_board_is_told_by_its_device_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver())
    files = [tmp_path / "absent", tmp_path / "model"]
    monkeypatch.setattr(gpu_module, "_BOARD_FILES", files)
    assert board_model() is None
    files[1].write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    assert board_model() == find_gpu().board == "NVIDIA Jetson Orin Nano Developer Kit"


@pytest.mark.parametrize("failing", ["cuInit", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute"])
def test_a_driver_that_refuses_shows_no_gpu(failing, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(failing))
    assert find_gpu() is None


def test_without_a_driver_there_is_none(monkeypatch):
    def absent(_):
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert find_gpu() is None
