"""What GitHub runs: pinned actions, and sessions that nox has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github" / "workflows" / "wheels.yml").read_text()


def test_each_action_is_pinned_to_a_revision():
    used = re.findall(r"uses: (\S+)@(\S+)(.*)", WORKFLOW)
    assert {name for name, *_ in used} >= {"actions/checkout", "pypa/gh-action-pypi-publish"}
    for name, revision, comment in used:
        assert re.fullmatch(r"[0-9a-f]{40}", revision), name
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name


@pytest.mark.parametrize("session", sorted(set(re.findall(r"nox --session (\w+)", WORKFLOW))))
def test_nox_has_the_sessions(session):
    assert re.search(rf"^@nox\.session\ndef {session}\(", (ROOT / "noxfile.py").read_text(), re.MULTILINE)


def test_no_password_publishes():
    assert "secrets." not in WORKFLOW
    assert WORKFLOW.count("id-token: write") == 1
