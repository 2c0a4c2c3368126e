from __future__ import annotations

import os
import re
import shutil
import sys

import pytest
from typer.testing import CliRunner

from aernet.cli.app import app


@pytest.fixture
def segment(model, tmp_path):
    """Run `segment` within this process, into tmp_path/out."""

    def run(*arguments, output=tmp_path / "out", model=model):
        words = ["segment", *arguments, "-o", output, "--model", model]
        return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)

    return run


@pytest.fixture
def pictures(tmp_path, examples):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, example in zip(("a.jpg", "b.jpg", "c.jpg"), examples, strict=False):
        shutil.copy(example, folder / name)
    return folder


@pytest.fixture
def opened(start, tmp_path, monkeypatch):
    """Start a command that serves a page; return the process and the address that it prints."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
    monkeypatch.chdir(tmp_path)
    processes = []

    def opened(*arguments):
        process = start(*arguments)
        processes.append(process)
        for line in process.stderr:
            if found := re.fullmatch(r"open (http://\S+)\n", line):
                return process, found[1]
        raise AssertionError(process.wait())

    yield opened
    for process in processes:
        process.kill()
        process.communicate()
