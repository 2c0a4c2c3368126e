"""Runs over a folder whose pictures and journal are a stranger's: the outputs are whole or absent."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import cv2

from aernet.archive import Archive, Settings
from aernet.archive.journal import JOURNAL
from readers import journals, models, pictures

_OUTPUTS = ("overlay", "geojson", "labelme")


def read(data: bytes, folder: Path) -> None:
    first, _, second = data.partition(b"\0journal\0")
    inputs, outputs = folder / "in", folder / "out"
    inputs.mkdir()
    outputs.mkdir()
    (inputs / "a.png").write_bytes(first)
    if second:
        (outputs / JOURNAL).write_bytes(second)
    settings = Settings(
        model=str(_model()), device="cpu", kinds=_OUTPUTS, table=outputs / "table.csv", jobs=1
    )
    rows = list(Archive([str(inputs)], outputs).segment(settings))
    assert len(rows) == 1
    done = rows[0]["status"] == "done"
    masks = list(outputs.rglob("*_mask.png"))
    assert len(masks) == done
    for mask in masks:
        assert cv2.imread(str(mask), cv2.IMREAD_UNCHANGED) is not None


@cache
def _model() -> Path:
    file = Path(tempfile.mkdtemp()) / "dark.onnx"
    file.write_bytes(models.seeds()["plain"])
    return file


def seeds() -> dict[str, bytes]:
    png, jpeg = pictures.seeds()["png"], pictures.seeds()["jpeg"]
    return {"png": png, "jpeg": jpeg, "journal": png + b"\0journal\0" + journals.seeds()["plain"]}
