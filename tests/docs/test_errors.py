"""The messages of docs/errors.md are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import aernet

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)
HOLE = "\0"


def text_of(node):
    """Return a text in the code, with a hole for each value that it takes up."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)
    return node.value


@pytest.fixture(scope="module")
def texts():
    """All texts in the package."""
    return [
        text_of(node)
        for path in Path(aernet.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]


def test_there_are_messages():
    assert len(MESSAGES) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_in_the_code(message, texts):
    pieces = [piece for piece in message.split("...") if piece]
    assert max(map(len, pieces)) > 10
    # A value may be a number or a text of the code itself, so that a piece may go on where a hole begins.
    pattern = re.compile(".*".join(map(re.escape, pieces)), re.DOTALL)
    assert any(pattern.search(text) for text in texts)
