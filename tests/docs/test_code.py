"""Every code block of README.md and of docs/ runs, or its page says that no test runs it, and why.

`python` blocks of a page share their names, in their order; `sh` blocks are commands of `aernet-trt`, which
run in this process. Of `pip install` the extras are looked up, and `pytest` is what is running.
"""

from __future__ import annotations

import re
import shlex
import sys

import pytest
from docs.pages import PAGES, ROOT, blocks
from typer.testing import CliRunner

from aernet.cli.app import app

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
ELSEWHERE = {  # pages whose blocks another test runs, and looks at what they leave
    "docs/from-mask-to-report.md": "tests/test_report_page.py",
    "docs/own-pictures.md": "tests/cli/test_own_pictures.py",
    "docs/pycuda.md": "tests/runners/test_pycuda.py",
}
RUNNING = [page for page in PAGES if any(not block.not_run for block in blocks(page))]


def run_command(line):
    """Run a line of a shell."""
    for command in line.split(" && "):
        program, *arguments = shlex.split(command, comments=True)
        if program == "pip":
            for extras in re.findall(r"\[([\w,-]+)\]", " ".join(arguments)):
                assert set(extras.split(",")) <= EXTRAS.keys(), command
        elif program != "pytest":
            assert program == "aernet-trt", f"{command}: no test runs this; say so on the page"
            answer = CliRunner().invoke(app, arguments, catch_exceptions=False)
            assert answer.exit_code == 0, answer.output


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run(page, request):
    name = page.relative_to(ROOT).as_posix()
    if name in ELSEWHERE:
        assert page.name in (ROOT / ELSEWHERE[name]).read_text(encoding="utf-8")
        return
    if page.stem == "dicom":
        request.getfixturevalue("dicom_study")
    names = {}
    for block in blocks(page):
        if block.not_run:
            continue
        if block.language == "python":
            exec(compile(block.code, str(block), "exec"), names)
        else:
            for line in filter(None, block.code.replace("\\\n", " ").splitlines()):
                if not line.startswith("#"):
                    run_command(line)


def test_python_that_does_not_run_is_python_at_least():
    for page in PAGES:
        for block in blocks(page, ("python",)):
            compile(block.code, str(block), "exec")


def test_code_is_called_python_or_sh():
    """A block of another name would pass by the tests of this file."""
    for page in PAGES:
        found = blocks(page, ("bash", "console", "py", "python3", "shell", "zsh"))
        assert [str(block) for block in found] == []
