"""Checks in fresh environments: `nox -s opencv`."""

from __future__ import annotations

import nox

_PROJECT = nox.project.load_toml("pyproject.toml")["project"]
_WANTED = next(wanted for wanted in _PROJECT["dependencies"] if wanted.startswith("opencv-python>="))


@nox.session
@nox.parametrize("version", ["oldest", "newest"])
def opencv(session: nox.Session, version: str) -> None:
    """Run the tests of pictures and videos with the oldest OpenCV that is allowed, and with the newest."""
    package = _WANTED.replace(">=", "==") if version == "oldest" else _WANTED
    session.install(
        ".[heif,video,viewer]", package, "httpx", "hypothesis", "onnx", "playwright", "pytest", "scipy"
    )
    session.run("pytest", "tests/pictures", "tests/video")
