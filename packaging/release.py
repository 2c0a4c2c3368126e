"""Make a release: check that the tree is ready, and fill dist/ with all that is published.

The tag names the version. It is made last, unless it is there already, as in a workflow that a pushed tag
starts. With `--dry-run` the checks are made, and the steps are only said.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

_VERSION = re.compile(r'^version = "(.+)"$', re.MULTILINE)
_CITED = re.compile(r"^version: (.+)$", re.MULTILINE)


class _NotReadyError(Exception):
    """Why no release can be made of this tree."""


def notes(changelog: str, version: str) -> str:
    """Return the section of a changelog that is about a version, without its heading."""
    if _section(changelog, "Unreleased"):
        raise _NotReadyError(
            f"CHANGELOG.md: text under '## Unreleased'; the notes of {version} would lack it; move it there"
        )
    section = _section(changelog, version)
    if not section:
        raise _NotReadyError(
            f"CHANGELOG.md: no text under '## {version}'; give the section 'Unreleased' this name"
        )
    return section + "\n"


def _section(changelog: str, heading: str) -> str:
    """Return what stands under a heading; "" if it is not there."""
    return f"\n{changelog}".partition(f"\n## {heading}\n")[2].partition("\n## ")[0].strip()


def _version(tag: str) -> str:
    """Return the version of a tag if this tree is that version, committed and not released before."""
    version = tag.removeprefix("v")
    if tag == version:
        raise _NotReadyError(f"{tag}: a tag is 'v' and a version, such as v{version}")
    for file, pattern in (("pyproject.toml", _VERSION), ("CITATION.cff", _CITED)):
        found = pattern.search(Path(file).read_text(encoding="utf-8"))
        if found is None or found[1] != version:
            raise _NotReadyError(f"{file}: version {found and found[1]}, expected {version}; change it there")
    changed = _git("status", "--porcelain")
    if changed:
        raise _NotReadyError(f"{changed.splitlines()[0][3:]}: not committed; commit it or put it away")
    there = _git("tag", "--list", tag)
    if there and _git("rev-list", "-n", "1", tag) != _git("rev-parse", "HEAD"):
        raise _NotReadyError(f"{tag}: released already, of another commit; choose a new version")
    return version


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.rstrip()


def _inventory(wheels: Path, sbom: Path) -> None:
    """Install the wheel for this Python, and list what came with it as CycloneDX."""
    environment = Path("build/release")
    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    install = (python, "-m", "pip", "install", "--quiet", "aernet")
    _run(*install, "--no-deps", "--no-index", "--find-links", str(wheels))
    _run(*install)  # what it needs
    _run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools")
    _run(
        "cyclonedx-py", "environment", python, "--pyproject", "pyproject.toml", "--mc-type", "library",
        "--output-reproducible", "--output-file", str(sbom),
    )  # fmt: skip


def _hashes(folder: Path) -> str:
    """Return a line for each file, as sha256sum writes it and `sha256sum --check` reads it."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def release(tag: str, *, dry_run: bool) -> None:
    """Check, build and tag; raises if the tree is not ready or a step fails."""
    version = _version(tag)
    text = notes(Path("CHANGELOG.md").read_text(encoding="utf-8"), version)
    dist = Path("dist")
    sbom = dist / f"aernet-{version}.cdx.json"
    summary, sums = dist / "NOTES.md", dist / "SHA256SUMS"
    steps = {
        "nox --session wheels": lambda: _run("nox", "--session", "wheels"),
        f"write {sbom}": lambda: _inventory(dist, sbom),
        f"write {summary}": lambda: summary.write_text(text, encoding="utf-8"),
        f"write {sums}": lambda: sums.write_text(_hashes(dist), encoding="utf-8"),
    }
    if not _git("tag", "--list", tag):
        message = f"aernet {version}\n\n{text}"
        steps[f"git tag {tag}"] = lambda: _run("git", "tag", "--cleanup=verbatim", "-m", message, tag)
    if not dry_run:
        shutil.rmtree(dist, ignore_errors=True)
        dist.mkdir()
    for step, act in steps.items():
        print(step, flush=True)
        if not dry_run:
            act()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tag", metavar="TAG", help="v and the version, such as v0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="check and say what would be done")
    arguments = parser.parse_args()
    try:
        release(arguments.tag, dry_run=arguments.dry_run)
    except (_NotReadyError, subprocess.CalledProcessError) as error:
        sys.exit(f"release: {error}")


if __name__ == "__main__":
    main()
