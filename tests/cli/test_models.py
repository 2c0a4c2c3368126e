from __future__ import annotations

import json

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
        "path": str(model),
        "bytes": model.stat().st_size,
    }


@pytest.mark.usefixtures("bundled")
def test_the_table_tells_the_same():
    answer = run()
    assert answer.exit_code == 0
    for part in ("dark", "1.2", "0.4", "Apache-2.0", "jaccard", "abc1234"):
        assert part in answer.stdout


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
