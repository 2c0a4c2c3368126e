"""Every input of the corpus, also all that were found to be faults; `nox -s fuzz` changes them further."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from aernet import AernetError

FUZZ = Path(__file__).parents[1] / "fuzz"
INPUTS = sorted((FUZZ / "corpus").glob("*/[!.]*"))


@pytest.mark.filterwarnings("ignore")  # those of libraries on odd data
@pytest.mark.parametrize("file", INPUTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_only_a_refusal_comes_out(file, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(FUZZ)
    if file.parent.name == "arrays":
        pytest.importorskip("atheris")  # which makes arrays of bytes
    read = import_module(f"readers.{file.parent.name}").read
    with suppress(AernetError):
        read(file.read_bytes(), tmp_path)


def test_each_reader_has_inputs():
    readers = {file.stem for file in (FUZZ / "readers").glob("[!_]*.py")}
    assert readers == {file.parent.name for file in INPUTS}
