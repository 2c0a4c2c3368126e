"""The journal of an archive, which is a SQLite database beside the outputs."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from aernet.archive.journal import JOURNAL, Entry, Journal, Source
from aernet.exchange import join_coco

if TYPE_CHECKING:
    from pathlib import Path

_OUTPUT = "a_segmentation.png"
_ENTRY = Entry(
    Source("/a.png", 3, 5, "3 bytes"), {"model": "x"}, frozenset({"coco"}), {"area_px": 7}, done=True
)


def read(data: bytes, folder: Path) -> None:
    (folder / JOURNAL).write_bytes(data)
    with closing(Journal(folder)) as journal:
        journal.unfinished()
        journal.entry(_OUTPUT)
        journal.has_pieces("coco")
        for _ in join_coco(journal.pieces("coco", [_OUTPUT])):
            pass
        journal.write("b.png", _ENTRY, {"coco": b"{}"})
        assert journal.entry("b.png") == _ENTRY


def seeds() -> dict[str, bytes]:
    import tempfile
    from pathlib import Path

    import numpy as np

    from aernet.exchange import to_coco

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with closing(Journal(folder)) as journal:
            piece = to_coco(np.full((2, 2), 255, np.uint8), "a.png")
            journal.write(_OUTPUT, _ENTRY, {"coco": piece})
        return {"plain": (folder / JOURNAL).read_bytes()}
