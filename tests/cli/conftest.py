from __future__ import annotations

import shutil

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
