"""Tables that split pictures into subsets, tell their lesions, or were begun by an earlier run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attempts import attempt

from aernet.archive.table import COLUMNS, open_table
from aernet.data.split import known_lesions
from aernet.pairs import read_split

if TYPE_CHECKING:
    from pathlib import Path


def read(data: bytes, folder: Path) -> None:
    file = folder / "table.csv"
    file.write_bytes(data)
    attempt(file, _split, _lesions, _begun)


def _split(file: Path) -> None:
    assert read_split(file, "train")


def _lesions(file: Path) -> None:
    known_lesions(file, ["a", "b"])


def _begun(file: Path) -> None:
    with open_table(file, overwrite=False) as add:
        add({"input": "a.png"})


def seeds() -> dict[str, bytes]:
    return {
        "split": b"image_id,subset\na,train\nb,val\nc,test\n",
        "lesions": b"image_id,lesion_id\na,1\nb,1\n",
        "both": b'\xef\xbb\xbfimage_id,subset,lesion_id\r\n"a",train,1\r\n"b ""c""",val,2\r\n',
        "begun": ",".join(COLUMNS).encode() + b"\n",
    }
