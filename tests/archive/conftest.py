from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from aernet.archive.journal import JOURNAL
from aernet.cli.app import app


@pytest.fixture
def pictures(tmp_path):
    """A folder with 12 small pictures of a dark spot, each at another place."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        skin = np.full((60, 80, 3), 220, np.uint8)
        cv2.circle(skin, (15 + 4 * number, 30), 12, (60, 60, 60), cv2.FILLED, cv2.LINE_AA)
        cv2.imwrite(str(folder / f"{number:02}.png"), cv2.GaussianBlur(skin, (0, 0), 3))
    return folder


@pytest.fixture
def segment(model, pictures, tmp_path):
    """Run `segment` within this process, on `pictures` by default; return the answer and its rows."""

    def run(*arguments, inputs=(pictures,), output=tmp_path / "out", model=model, stdin=None):
        words = ["segment", *inputs, *arguments, "-o", output, "--model", model, "--json"]
        answer = CliRunner().invoke(app, list(map(str, words)), input=stdin, catch_exceptions=False)
        return answer, [json.loads(line) for line in answer.stdout.splitlines()]

    return run


@pytest.fixture
def content():
    """Return the content of all files of a folder by their names, but that of the journal."""

    def read(folder):
        files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(JOURNAL)]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read
