"""What all commands share: help, version, --debug, names that were mistyped, narrow and plain terminals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from aernet import __version__
from aernet.cli.app import app

COMMANDS = [
    command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands
]


TREE = get_command(app).commands
# Every command, as the words that a user types.
WORDS = {(): get_command(app), **{(name,): command for name, command in TREE.items()}}
WORDS |= {("data", name): command for name, command in TREE["data"].commands.items()}
INCOMPLETE = [words for words, command in WORDS.items() if any(one.required for one in command.params)]


def run(*arguments, **environment):
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200", **environment})


def test_without_arguments_it_lists_what_there_is():
    answer = run()
    assert answer.exit_code == 0
    for command in [*COMMANDS, "data"]:
        assert f" {command} " in answer.stdout
    answer = run("data")
    assert answer.exit_code == 0
    for command in ("fetch", "check", "split"):
        assert f" {command} " in answer.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_paragraphs_of_help_fill_their_lines(name):
    above, _, _ = run(name, "--help", COLUMNS="80").stdout.partition("╭")
    lines = [line.strip() for line in above.splitlines()]
    for line, after in pairwise(lines):
        if line and after:
            assert len(f"{line} {after.split()[0]}") > 78, line


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_the_short_option_shows_the_same_help(words):
    answer = run(*words, "-h")
    assert answer.exit_code == 0
    assert answer.stdout == run(*words, "--help").stdout
    assert " ".join(["Usage: root", *words]) in answer.stdout


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_flag_has_no_type_in_the_help(words):
    """`--json <bool>` would ask for a value, which a flag does not take."""
    shown = run(*words, "--help").stdout
    assert "bool" not in shown.lower()
    assert re.search(r"--help +-h +Show this message and exit", shown)


@pytest.mark.parametrize("words", INCOMPLETE, ids=" ".join)
def test_a_command_that_needs_an_argument_names_it(words):
    answer = run(*words)
    assert answer.exit_code == 2
    assert re.match(r"aernet-trt: .*('[A-Z_ ]+'|--[a-z]+)", answer.stderr), answer.stderr


def test_version():
    answer = run("--version")
    assert (answer.exit_code, answer.stdout) == (0, f"aernet-trt {__version__}\n")


def test_the_package_runs_as_a_module():
    answer = subprocess.run(
        [sys.executable, "-m", "aernet", "segmnt"], capture_output=True, check=False, text=True
    )
    assert answer.returncode == 2
    assert answer.stderr == "aernet-trt: No such command 'segmnt'. Did you mean 'segment'? See --help\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("segmnt",), "No such command 'segmnt'. Did you mean 'segment'? See --help"),
        (("data", "chek"), "No such command 'chek'. Did you mean 'check'? See --help"),
        (("live", "test://", "--durations", "1"), "No such option: --durations"),
        (("segment", "-o", "out"), "Invalid value for 'INPUT': expected one or more, or --from-file LIST"),
        (("reproduce",), "Missing argument 'TABLE'. Choose from: table1, table2, colour; see --help"),
    ],
)
def test_wrong_usage_is_one_line(arguments, text):
    answer = run(*arguments)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"aernet-trt: {text}")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("--debug", "inspect", "x"), ("inspect", "x", "--debug"), ("inspect", "--debug", "x")]
)
def test_debug_stands_anywhere(command, arguments):
    answer = command(*arguments)
    assert answer.returncode == 1
    assert "Traceback" in answer.stderr
    assert "ModelError: x: no such model" in answer.stderr


def test_debug_after_dashes_is_a_name(command):
    answer = command("inspect", "--", "--debug")
    assert answer.returncode == 1
    assert answer.stderr.startswith("aernet-trt: --debug: no such model")


@pytest.mark.parametrize(
    "arguments",
    [
        ("segment", "x.jpg", "-o", "out", "--model"),
        ("live", "test://", "--view", "none", "--model"),
        ("evaluate", "--images", ".", "--masks", ".", "--model"),
        ("calibrate", "--images", ".", "--masks", ".", "--split", "s.csv", "--json", "o.json"),
        ("export", "--with-preprocessing", "-o", "o.onnx"),
        ("inspect",),
        ("verify",),
        ("benchmark", "--model"),
        ("models",),
    ],
)
def test_a_mistyped_model_is_told_the_nearest(arguments, tmp_path, monkeypatch, examples):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jpg").write_bytes(examples[0].read_bytes())
    answer = run(*arguments, "aernt")
    assert answer.exit_code == 1
    assert answer.stderr.splitlines()[-1].startswith(
        "aernet-trt: aernt: no such model (did you mean aernet?); "
    )


@pytest.mark.parametrize(
    "arguments", [("models",), ("models", "aernet"), ("doctor",), ("benchmark", "--seconds", "0.1")]
)
def test_a_narrow_terminal_loses_nothing(arguments):
    answer = run(*arguments, COLUMNS="60")
    assert answer.exit_code == 0, answer.output
    assert "…" not in answer.stdout
    if arguments[0] == "models":
        assert "0.842" in answer.stdout


def test_a_terminal_without_colours_or_unicode(model, tmp_path):
    program = "from aernet.cli import main; main()"
    plain = {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1", "FORCE_COLOR": ""}
    accented = tmp_path / "\N{LATIN SMALL LETTER E WITH ACUTE}.onnx"
    accented.write_bytes(model.read_bytes())
    for arguments in (["models"], ["doctor"], ["--help"], ["inspect", "aernet"], ["inspect", accented]):
        answer = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            check=False,
            env=os.environ | plain,
        )
        assert answer.returncode == 0, answer.stderr
        assert not re.search(rb"\x1b|[\x80-\xff]", answer.stdout + answer.stderr)
    assert rb"\xe9.onnx" in answer.stdout.replace(b"\n", b"")
