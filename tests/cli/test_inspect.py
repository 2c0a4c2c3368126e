from __future__ import annotations

import importlib.util
import json
import sys

import pytest
from engine.models import write_crafted, write_network
from typer.testing import CliRunner

from aernet.cli.app import app
from aernet.engine.layers import Layer
from aernet.engine.manifest import manifest_path


@pytest.fixture
def network(tmp_path):
    return write_network(tmp_path / "darker.onnx")


@pytest.fixture
def engine(network, tmp_path):
    return write_crafted(tmp_path / "darker.engine", network)


def run(*arguments):
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)], env={"COLUMNS": "200"})


def facts(path):
    answer = run(path, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_every_kind_is_known_by_its_content(network, engine, tmp_path):
    renamed = network.rename(tmp_path / "model")
    assert facts(renamed)["kind"] == "onnx"
    assert facts(engine)["kind"] == "engine"
    assert facts(manifest_path(engine))["kind"] == "manifest"
    for path in (renamed, engine):
        assert facts(path)["file"] == str(path)
        assert facts(path)["bytes"] == path.stat().st_size


def test_a_checkpoint(tmp_path):
    pytest.importorskip("torch")
    from runs import LEARNED_FROM

    from aernet.network import build_network
    from aernet.training.checkpoint import Checkpoint
    from aernet.training.settings import load_settings

    settings = load_settings(
        "aernet-v2b0", encoder="mobilenetv3_small_050", widths=[16, 16, 8, 8, 8], sizes=[64]
    )
    network = build_network(settings.architecture, settings.encoder, settings.widths)
    history = [{"epoch": 3, "val_jaccard": 0.5, "val_dice": 0.6}]
    Checkpoint(settings, LEARNED_FROM, network.state_dict(), {}, {}, history, 0.45).save(tmp_path / "best.pt")
    found = facts(tmp_path / "best.pt")
    assert (found["kind"], found["threshold"], found["last_epoch"]["epoch"]) == ("checkpoint", 0.45, 3)
    assert found["settings"]["encoder"] == "mobilenetv3_small_050"
    assert found["parameters"] >= sum(parameter.numel() for parameter in network.parameters())


def test_the_table_tells_the_same(engine):
    answer = run(engine)
    assert answer.exit_code == 0
    for part in ("tensorrt-rtx", "1.7.1.116", "darker", "not verified: no GPU", "fp16", "12.1"):
        assert part in answer.stdout


def test_layers(network, tmp_path):
    layers = (
        Layer("first", "correlation", ("float16", "float16"), ("float16",), ("conv", "relu")),
        Layer("second", "kgen", ("float16",), ("float32",), ("cast",)),
    )
    engine = write_crafted(tmp_path / "darker.engine", network, layers=layers)
    for path in (engine, manifest_path(engine)):
        assert [layer["name"] for layer in facts(path)["layers"]] == ["first", "second"]
        assert "conv + relu" not in run(path).stdout
        answer = run(path, "--layers")
        assert answer.exit_code == 0, answer.output
        row = next(line for line in answer.stdout.splitlines() if "conv + relu" in line)
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert cells == ["first", "correlation", "2 float16", "float16", "conv + relu"]
        assert "2 layers, 1 of them of several ONNX nodes; tensors written: float16, float32" in answer.stdout
    answer = run(network, "--layers")
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert "--layers: expected an engine, which 'aernet-trt build-engine' makes of a model" in answer.output
    answer = run(write_crafted(tmp_path / "older.engine", network, layers=None), "--layers")
    assert answer.stdout == ""
    assert "--layers: expected an engine whose manifest has its layers; build it again" in answer.output


def test_a_file_of_another_kind_is_told_what_is_read(examples):
    answer = run(examples[0])
    assert answer.exit_code == 1
    assert "expected an ONNX model, a checkpoint, an engine or the manifest of one" in answer.output


def test_an_engine_that_does_not_fit_says_why(engine):
    engine.write_bytes(engine.read_bytes() + b"\0")
    found = facts(engine)
    assert found["usable_here"] is False
    assert "damaged" in found["why_not"]


def test_what_is_none_of_these(tmp_path):
    path = tmp_path / "x.engine"
    path.write_text("text")
    for name, message in (("x.engine", "not an engine"), ("absent", "no such model"), ("", "found a folder")):
        answer = run(tmp_path / name)
        assert answer.exit_code == 1
        assert message in answer.output
        assert answer.output.count("\n") == 1
    path.rename(tmp_path / "x")
    assert "expected an ONNX model" in run(tmp_path / "x").output


def test_a_model_without_the_package_onnx(network, monkeypatch):
    with_onnx = facts(network)
    assert with_onnx["convolutions"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    counted = {"opset", "convolutions", "operators"}
    assert facts(network) == {name: fact for name, fact in with_onnx.items() if name not in counted}
    assert "64 x 64 pixels" in run(network).stdout


def test_a_bundled_model_by_its_name():
    assert facts("aernet")["card"]["name"] == "aernet"
    answer = run("aernet")
    assert "0.842 (0.830 to 0.854)" in answer.stdout
    assert answer.stdout.count("\n") < 40


def test_without_options_it_runs_as_a_user_runs_it(command, engine):
    answer = command("inspect", engine)
    assert answer.returncode == 0, answer.stderr
    assert "usable here" in answer.stdout
