"""Lists of inputs in files."""

from __future__ import annotations

import codecs
import os
import sys
from pathlib import Path

import typer

from aernet.archive.inputs import STDIN
from aernet.errors import SourceError


def all_inputs(inputs: list[str], from_file: str | None) -> list[str]:
    """Return the inputs of the command line and those that a file lists.

    Args:
        inputs: the inputs of the command line.
        from_file: the file, "-" for the standard input, or None if there is none.

    Raises:
        SourceError: the file cannot be read, or lists nothing.
        BadParameter: there is no input, or the standard input would be both a list and a picture.
    """
    if from_file is None:
        if not inputs:
            raise typer.BadParameter("expected one or more, or --from-file LIST", param_hint="'INPUT'")
        return inputs
    if from_file == STDIN in inputs:
        raise typer.BadParameter("the standard input is either a list of inputs or a picture, not both")
    return [*inputs, *_listed(from_file)]


def _standard_input() -> bytes:
    return sys.stdin.buffer.read() if sys.stdin else b""


def _listed(file: str) -> list[str]:
    """Return what the lines of a file name."""
    try:
        data = _standard_input() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise SourceError(f"{file}: the list of inputs cannot be read ({error.strerror})") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as PowerShell writes texts
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    names = data.split(b"\0") if b"\0" in data else data.splitlines()
    listed = [os.fsdecode(name) for name in names if name.strip()]
    if not listed:
        raise SourceError(f"{'stdin' if file == STDIN else file}: the list of inputs names none")
    return listed
