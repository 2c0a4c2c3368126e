"""A release is made of a tree that is ready, and of no other; nothing is built or tagged here."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "packaging" / "release.py"
CHANGELOG = """# Changelog

## {version}

- `-h` shows the help.

## 0.0.1

- The beginning.
"""


def git(folder, *arguments):
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def dry_run(folder, tag):
    return subprocess.run(
        [sys.executable, SCRIPT, tag, "--dry-run"], cwd=folder, check=False, capture_output=True, text=True
    )


@pytest.fixture
def version():
    return re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]


@pytest.fixture
def tree(tmp_path, version):
    """Return a repository that is ready to be released."""
    for name in ("pyproject.toml", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG.format(version=version), encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "All")
    return tmp_path


def test_a_tree_that_is_ready(tree, version):
    answer = dry_run(tree, f"v{version}")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == [
        "nox --session wheels",
        f"write dist/aernet-{version}.cdx.json",
        "write dist/NOTES.md",
        "write dist/SHA256SUMS",
        f"git tag v{version}",
    ]
    assert not (tree / "dist").exists()
    git(tree, "tag", f"v{version}")
    assert f"git tag v{version}" not in dry_run(tree, f"v{version}").stdout


def _uncommitted(tree):
    (tree / "new.txt").write_text("new", encoding="utf-8")


def _no_section(tree):
    (tree / "CHANGELOG.md").write_text(CHANGELOG.format(version="9.9.9"), encoding="utf-8")
    git(tree, "commit", "--quiet", "--all", "--message", "Another version")


def _not_in_the_notes(tree):
    changelog = tree / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(text.replace("\n## ", "\n## Unreleased\n\n- Not yet.\n\n## ", 1), encoding="utf-8")
    git(tree, "commit", "--quiet", "--all", "--message", "More")


def _other_citation(tree):
    (tree / "CITATION.cff").write_text("version: 9.9.9\n", encoding="utf-8")


def _released_before(tree):
    git(tree, "tag", "v0.1.0")
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "More")


@pytest.mark.parametrize(
    ("spoil", "tag", "message"),
    [
        (_uncommitted, "v0.1.0", "new.txt: not committed; commit it or put it away"),
        (_no_section, "v0.1.0", "CHANGELOG.md: no text under '## 0.1.0'"),
        (
            _not_in_the_notes,
            "v0.1.0",
            "CHANGELOG.md: text under '## Unreleased'; the notes of 0.1.0 would lack it",
        ),
        (_other_citation, "v0.1.0", "CITATION.cff: version 9.9.9, expected 0.1.0"),
        (_released_before, "v0.1.0", "v0.1.0: released already, of another commit"),
        (None, "0.1.0", "0.1.0: a tag is 'v' and a version, such as v0.1.0"),
        (None, "v0.2.0", "pyproject.toml: version 0.1.0, expected 0.2.0"),
    ],
)
def test_a_tree_that_is_not_ready(tree, version, spoil, tag, message):
    tag, message = tag.replace("0.1.0", version), message.replace("0.1.0", version)
    if spoil:
        spoil(tree)
    answer = dry_run(tree, tag)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"release: {message}")
    assert answer.stderr.count("\n") == 1


def test_notes_are_the_section_of_the_version_alone(version):
    notes = runpy.run_path(str(SCRIPT))["notes"](CHANGELOG.format(version=version), version)
    assert notes == "- `-h` shows the help.\n"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_reads_the_hashes(tmp_path):
    for name in ("a.whl", "b.json"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "SHA256SUMS").write_text(runpy.run_path(str(SCRIPT))["_hashes"](tmp_path), encoding="utf-8")
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    answer = subprocess.run(check, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert answer.stdout.splitlines() == ["a.whl: OK", "b.json: OK"]


def test_a_hook_has_the_version_that_is_locked():
    """A commit is judged as the workflows judge it."""
    locked = (ROOT / "packaging" / "locked.txt").read_text("utf-8")
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    pinned = re.findall(r"additional_dependencies: \[(.+)\]", hooks)
    assert len(pinned) >= 4
    for package in pinned:
        assert re.search(rf"^{re.escape(package)}\b", locked, re.MULTILINE), package
