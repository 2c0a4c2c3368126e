"""Writes the corpus, `fuzz/corpus/READER/NAME`: `python fuzz/seeds.py [READER...]`.

Inputs that were found to be faults are named `found-...`, and stay.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
READERS = sorted(file.stem for file in (Path(__file__).parent / "readers").glob("[!_]*.py"))


def write(reader: str) -> None:
    """Write the seeds of a reader over those that are there."""
    folder = CORPUS / reader
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[!.]*"):
        if not old.name.startswith("found-"):
            old.unlink()
    for name, content in import_module(f"readers.{reader}").seeds().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    for name in sys.argv[1:] or READERS:
        write(name)
