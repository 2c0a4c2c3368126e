from __future__ import annotations

import json

import onnxruntime
import pytest
from typer.testing import CliRunner

from aernet.cli.app import app

NAMES = ["frame to mask", "preprocess", "network", "mask", "floor: network"]


def run(*arguments):
    return CliRunner().invoke(app, ["benchmark", "--seconds", "0.2", *map(str, arguments)])


def test_on_the_cpu(model):
    answer = run("--model", model, "--device", "cpu", "--frame", "320x200", "--json")
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout)
    assert figures["frame"] == "320x200"
    assert figures["machine"]["device"] == "cpu"
    assert figures["machine"]["model"] == "dark 1.2"
    assert figures["machine"]["runtime"] == f"ONNX Runtime {onnxruntime.__version__}"
    milliseconds = figures["milliseconds"]
    assert list(milliseconds) == NAMES
    for percentiles in milliseconds.values():
        assert 0 < percentiles["p50"] <= percentiles["p90"] <= percentiles["p99"] < 10_000
    ratio = milliseconds["frame to mask"]["p50"] / milliseconds["floor: network"]["p50"]
    assert figures["times_the_floor"] == pytest.approx(ratio)
    assert set(figures["frames_per_second"]) == {"one frame at a time", "two at a time"}
    assert all(rate > 0 for rate in figures["frames_per_second"].values())


def test_the_table(model):
    answer = run("--model", model, "--device", "cpu", "--frame", "64x48")
    assert answer.exit_code == 0, answer.output
    for text in (
        "processor: ",
        "64x48",
        "p50",
        "p90",
        "p99",
        *NAMES,
        "times the floor",
        "one frame at a time: ",
    ):
        assert text in answer.stdout


@pytest.mark.parametrize("frame", ["0x5", "20000x5", "5", "5x", "ax5", "5x5x5"])
def test_a_frame_of_no_size(model, command, frame):
    answer = command("benchmark", "--model", model, "--frame", frame)
    assert answer.returncode == 2
    assert f"expected WIDTHxHEIGHT, each 1 to 16384, found '{frame}'" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_device_that_is_none(model):
    answer = run("--model", model, "--device", "tpu")
    assert answer.exit_code == 1
    assert "device 'tpu': not available" in answer.output
