from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

import aernet.models
from aernet.cli.app import app
from aernet.models import bundled_models


@pytest.fixture
def bundled(model, monkeypatch):
    monkeypatch.setattr(aernet.models, "bundled_models", lambda: {"dark": model})


def run(*arguments):
    return CliRunner().invoke(app, ["models", *arguments])


@pytest.mark.usefixtures("bundled")
def test_json_tells_the_card_and_the_file(model, metadata):
    answer = run("--json")
    assert answer.exit_code == 0
    (listed,) = json.loads(answer.stdout)
    assert listed == {
        "name": "dark",
        "version": "1.2",
        "size": 64,
        "threshold": 0.4,
        "training_data": "none",
        "licence": "Apache-2.0",
        "metrics": json.loads(metadata["aernet.metrics"]),
        "revision": "abc1234",
        "quality": None,
        "network": None,
        "borders": None,
        "quantised_from": None,
        "path": str(model),
        "bytes": model.stat().st_size,
    }


def test_the_table_has_the_default_first(write_model, metadata, tmp_path, monkeypatch):
    other = write_model(
        tmp_path / "other.onnx",
        metadata | {"aernet.name": "other", "aernet.licence": "CC-BY-NC-4.0; ask first"},
    )
    default = write_model(tmp_path / "default.onnx", metadata | {"aernet.name": "aernet"})
    monkeypatch.setattr(aernet.models, "bundled_models", lambda: {"other": other, "aernet": default})
    answer = run()
    assert answer.exit_code == 0
    rows = [line.strip("│").split("│") for line in answer.stdout.splitlines() if line.startswith("│")]
    size = f"{other.stat().st_size / 1e6:.1f} MB"
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["aernet (default)", size, "0.500", "Apache-2.0"],
        ["other", size, "0.500", "CC-BY-NC-4.0"],
    ]
    assert [listed["name"] for listed in json.loads(run("--json").stdout)] == ["aernet", "other"]


@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize("by", ["name", "path"])
def test_one_model_shows_its_card(model, by):
    named = "dark" if by == "name" else str(model)
    answer = run(named)
    assert answer.exit_code == 0
    for part in ("dark", "1.2", "0.4", "Apache-2.0", "isic alone", "jaccard", "0.500", "made up", "abc1234"):
        assert part in answer.stdout
    assert answer.stdout.count("\n") < 20
    assert json.loads(run(named, "--json").stdout) == json.loads(run("--json").stdout)[0]


@pytest.mark.parametrize("name", bundled_models())
def test_a_bundled_card_has_means_with_their_intervals(name):
    answer = run(name)
    assert answer.exit_code == 0
    assert re.search(r"jaccard +│ 0\.8\d\d \(0\.8\d\d to 0\.8\d\d\)", answer.stdout)
    card = json.loads(run(name, "--json").stdout)
    words = " ".join(re.split(r"[\s│]+", answer.stdout))
    assert f"measured on {card['metrics']['n']} pictures " in words
    for border in ("tight", "wide"):
        level, area = re.search(rf"{border} ([\d.]+) \(([\d.]+) of the area\)", words).groups()
        assert {"level": float(level), "area": float(area)} == card["borders"][border]
    assert answer.stdout.count("\n") < 30


def test_no_model(monkeypatch):
    monkeypatch.setattr(aernet.models, "bundled_models", dict)
    answer = run()
    assert answer.exit_code == 1
    assert "no model came with this package" in answer.output
    assert json.loads(run("--json").stdout) == []


def test_what_is_bundled_is_listed(command):
    answer = command("models", "--json")
    assert answer.returncode == 0, answer.stderr
    assert [listed["name"] for listed in json.loads(answer.stdout)] == list(bundled_models())
