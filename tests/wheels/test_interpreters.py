"""Which Python builds a wheel."""

from __future__ import annotations

import pytest
from interpreters import find_interpreter


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with an empty PATH and an empty pyenv; returns what puts a program there."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))

    def put(name, script):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return put


def test_that_of_path_comes_first(machine):
    machine("pyenv/versions/3.99.1/bin/python", "echo 3.99")
    expected = machine("bin/python3.99", "echo 3.99")
    assert find_interpreter("3.99") == expected


def test_a_shim_of_a_version_that_is_not_chosen_is_passed_over(machine):
    machine("bin/python3.99", "exit 127")
    expected = machine("pyenv/versions/3.99.1/bin/python", "echo 3.99")
    assert find_interpreter("3.99") == expected


def test_what_says_that_it_is_another_is_passed_over(machine):
    machine("bin/python3.99", "echo 3.9")
    with pytest.raises(SystemExit, match=r"No CPython 3\.99 .*install one"):
        find_interpreter("3.99")
