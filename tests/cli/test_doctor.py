from __future__ import annotations

import json
import os
import platform
import re
from importlib.metadata import version

import numpy as np
import onnxruntime
import pytest
from typer.testing import CliRunner

import aernet
import aernet.models
from aernet.cli.app import app


def run(*arguments):
    return CliRunner().invoke(app, ["doctor", *arguments])


def diagnosis():
    answer = run("--json")
    assert answer.exit_code == 0
    content = json.loads(answer.stdout)
    return {check["name"]: check for check in content["checks"]}, content["use"]


@pytest.fixture
def bundled(model, monkeypatch):
    monkeypatch.setattr(aernet.models, "bundled_models", lambda: {"aernet": model})


@pytest.mark.usefixtures("bundled")
def test_what_the_machine_has():
    checks, _ = diagnosis()
    assert {check["state"] for check in checks.values()} == {"ok"}
    assert {check["remedy"] for check in checks.values()} == {""}
    assert platform.machine() in checks["system"]["found"]
    assert f"{os.cpu_count()} cores" in checks["processor"]["found"]
    assert checks["python"]["found"] == platform.python_version()
    assert checks["numpy"]["found"] == np.__version__
    assert onnxruntime.__version__ in checks["onnxruntime"]["found"]
    assert "CPUExecutionProvider" in checks["onnxruntime"]["found"]
    assert version("torch") in checks["torch"]["found"]
    assert "64 x 64" in checks["model aernet"]["found"]


@pytest.mark.usefixtures("bundled")
def test_threads_are_those_that_are_set():
    before = int(re.search(r"(\d+) threads", diagnosis()[0]["extension"]["found"])[1])
    try:
        aernet.set_num_threads(before + 2)
        assert f"{before + 2} threads" in diagnosis()[0]["extension"]["found"]
    finally:
        aernet.set_num_threads(before)


@pytest.mark.usefixtures("bundled")
def test_what_will_be_used():
    _, use = diagnosis()
    assert (use["model"], use["device"]) == ("dark", "cpu")
    assert use["runtime"] == f"ONNX Runtime {onnxruntime.__version__}"
    assert use["why"]


def test_a_missing_model_is_a_warning_with_a_remedy(monkeypatch):
    monkeypatch.setattr(aernet.models, "bundled_models", dict)
    checks, use = diagnosis()
    assert checks["models"]["state"] == "warn"
    assert "--model" in checks["models"]["remedy"]
    assert use["model"] is None
    assert "no such model" in use["why"]


def test_a_broken_model_is_a_warning_with_a_remedy(tmp_path, monkeypatch):
    path = tmp_path / "aernet.onnx"
    path.write_text("broken")
    monkeypatch.setattr(aernet.models, "bundled_models", lambda: {"aernet": path})
    checks, use = diagnosis()
    assert checks["model aernet"]["state"] == "warn"
    assert "expected an ONNX model" in checks["model aernet"]["found"]
    assert checks["model aernet"]["remedy"]
    assert use["model"] is None
    answer = run()
    assert answer.exit_code == 0
    assert "will be used: nothing" in answer.stdout


@pytest.mark.usefixtures("bundled")
def test_the_table_names_every_check():
    checks, _ = diagnosis()
    answer = run()
    assert answer.exit_code == 0
    for name in checks:
        assert name.split()[0] in answer.stdout


def test_torch_is_not_imported():
    import subprocess
    import sys

    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from aernet.cli import main; main()", "doctor"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "onnxruntime" in answer.stderr
    assert not re.search(r"\| +torch$", answer.stderr, re.MULTILINE)
