"""Tab completes commands, options and their values, in a bash that has only read what was installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash")

# What bash does when the last word of a line is completed.
TAB = """
. "$HOME/.bashrc"
read -r function < <(complete -p aernet-trt | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
"$function" "$1" "${@: -1}" "${@: -2:1}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a home folder in which the completion has been installed."""
    home = tmp_path_factory.mktemp("home")
    tell = {"HOME": str(home), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    answer = subprocess.run(
        [_program(), "--install-completion", "bash"],
        capture_output=True,
        check=False,
        text=True,
        env=os.environ | tell,
    )
    assert answer.returncode == 0, answer.stderr
    assert "bash completion installed" in answer.stdout
    return home


def _program():
    return str(Path(sys.executable).with_name("aernet-trt"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("aernet-trt seg", {"segment"}),
        ("aernet-trt d", {"data", "doctor"}),
        ("aernet-trt data ch", {"check"}),
        ("aernet-trt segment --overl", {"--overlay"}),
        ("aernet-trt segment --border w", {"wide"}),
    ],
)
def test_bash_completes(home, line, expected):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    answer = subprocess.run(
        [BASH, "--norc", "-c", TAB, "tab", *line.split()],
        capture_output=True,
        check=False,
        text=True,
        env=os.environ | {"HOME": str(home), "PATH": path},
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert set(answer.stdout.split()) == expected
