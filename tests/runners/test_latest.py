"""The runner that is kept for the next task of a pool is that of the file as it is."""

from __future__ import annotations

import os

from aernet.runners.latest import LatestRunner


def test_models_of_one_size_and_time_that_change_places_are_opened_anew(write_model, tmp_path):
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    for path, bias in ((first, 12.0), (second, 9.0)):
        write_model(path, bias=bias)
        os.utime(path, (1, 1))
    assert first.stat().st_size == second.stat().st_size
    latest = LatestRunner()
    before = latest.open(first, "cpu")
    assert latest.open(first, "cpu") is before
    second.replace(first)
    assert first.stat().st_mtime == 1
    assert latest.open(first, "cpu") is not before
