"""The pages, and a folder where their commands find what they speak of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Work in a folder with `examples`, `pictures` and `study`, as the pages have them."""
    for name in ("examples", "pictures"):
        shutil.copytree(ROOT / "examples", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def dicom_study(desk):
    """Put a DICOM photograph where docs/dicom.md has it."""
    from dicom_objects import example, photograph, stored

    (desk / "study").mkdir()
    for path in (desk / "photo.dcm", desk / "study" / "photo.dcm"):
        stored(photograph(example()), path)
