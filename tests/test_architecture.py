"""What docs/architecture.md says of the structure is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from importlinter.application import use_cases
from importlinter.configuration import configure
from public_modules import PUBLIC

ROOT = Path(__file__).parents[1]


def test_imports_go_one_way(monkeypatch, capsys):
    """Late imports and those for types count too."""
    configure()
    monkeypatch.chdir(ROOT)
    passed = use_cases.lint_imports(
        config_filename=str(ROOT / "pyproject.toml"), cache_dir=None, no_logo=True
    )
    assert passed, capsys.readouterr().out


def test_the_files_that_the_map_names_are_there():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.(?:py|cpp|cu|h))`", text))
    assert len(named) > 15
    places = [ROOT, ROOT / "python" / "aernet", ROOT / "cpp" / "core", ROOT / "cpp" / "cuda"]
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_uses_public_names_alone(example):
    for node in ast.walk(ast.parse(example.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aernet"):
            assert node.module in PUBLIC
            module = __import__(node.module, fromlist=["__all__"])
            assert {alias.name for alias in node.names} <= set(module.__all__)
