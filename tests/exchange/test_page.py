"""What docs/exchange.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image
from pycocotools.coco import COCO

from aernet import exchange
from aernet.archive.kinds import FORMATS, KINDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")


def test_the_program_runs(tmp_path, monkeypatch, capsys):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/exchange.md", "exec"), {})
    assert "corners, " in capsys.readouterr().out
    sizes = set()
    for name in ("examples/ISIC_0011135.jpg", "out/probability.png", "out/probability.tif", "out/cutout.png"):
        with Image.open(name) as picture:
            sizes.add(picture.size)
    assert len(sizes) == 1
    assert COCO("out/annotations.json").loadAnns(1)[0]["score"] > 0.5
    others = {"Polygon", "to_dicom_seg", "to_dicom_sr"}  # docs/dicom.md has the latter
    assert all(name in program for name in set(exchange.__all__) - others)


def test_the_table_has_all_formats_and_their_names():
    rows = re.findall(r"^\| `([\w-]+)` \| `(?:<stem>)?([\w.]+)`", PAGE, re.MULTILINE)
    assert rows == [(name, KINDS[name].ending) for name in FORMATS]
