"""Feeds a reader with mutated inputs by Atheris; `run.py` starts it: `reader.py READER COUNTS ARGUMENT...`.

The arguments are libFuzzer's. COUNTS is a file of four numbers, which a crash leaves behind: inputs tried,
inputs refused, inputs on which something else was raised, and inputs that left something half-written. The
first input of each place that raised is written beside COUNTS, with its traceback.
"""

from __future__ import annotations

import hashlib
import logging
import mmap
import re
import struct
import sys
import tempfile
import traceback
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["aernet", "readers"]):
    from aernet import AernetError

    _reader = import_module(f"readers.{sys.argv[1]}")

_NUMBERS = struct.Struct("4q")
_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{16}(\.\w+)?")  # the temporary names of `aernet.files`


def try_one(data: bytes) -> None:
    """Hand one input to the reader; whatever it raises but an `AernetError` is a fault."""
    counts[0] += 1
    counts.keep()
    with tempfile.TemporaryDirectory(dir=_folder.name, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            _reader.read(data, folder)
        except AernetError as refusal:
            counts[1] += 1
            if "\n" in str(refusal).rstrip("\n"):
                _note(data, AssertionError(f"not one line: {refusal}"))
        except Exception as error:
            _note(data, error)
        left = [path for path in folder.rglob(".*") if _HALF_WRITTEN.fullmatch(path.name)]
        counts[3] += bool(left)
        if left:
            _note(data, AssertionError(f"half-written: {left}"))
    counts.keep()


def _note(data: bytes, error: Exception) -> None:
    """Count a fault, and keep the input if it is the first that raises there."""
    counts[2] += 1
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if (place := (type(error), *places[-1:])) not in noted:
        noted.add(place)
        file = Path(sys.argv[2]).with_name(f"raised-{hashlib.sha256(data).hexdigest()[:16]}")
        file.write_bytes(data)
        file.with_name(f"{file.name}.txt").write_text("".join(traceback.format_exception(error)), "utf-8")


class Counts(list[int]):
    """Numbers that a file holds, whatever becomes of the process."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _NUMBERS.size)
        super().__init__(_NUMBERS.unpack(self._map[:]))

    def keep(self) -> None:
        """Write the numbers."""
        self._map[:] = _NUMBERS.pack(*self)


noted: set[object] = set()
counts = Counts(Path(sys.argv[2]))
_folder = tempfile.TemporaryDirectory()
logging.disable(logging.WARNING)  # warnings of odd pictures; errors are looked at
warnings.simplefilter("ignore")  # those of libraries on odd data
with atheris.instrument_imports(include=["aernet", "readers"]):
    for seed in _reader.seeds().values():  # which imports what is imported on first use
        with suppress(AernetError):
            _reader.read(seed, Path(tempfile.mkdtemp(dir=_folder.name)))
atheris.Setup([sys.argv[0], *sys.argv[3:]], try_one)
atheris.Fuzz()
