"""Every picture in docs/ is on a page, and a script draws it."""

from __future__ import annotations

import re
from pathlib import Path

from docs.pages import PAGES, ROOT

DRAWN_BY = {  # the script, and how it calls the file
    "borders.jpg": ("docs/borders.py", '"borders.jpg"'),
    "colour.svg": ("python/aernet/reproduction/report.py", '"{table.name}.svg"'),
    "frame.svg": ("docs/architecture.py", '"frame.svg"'),
    "from-mask-to-report.jpg": ("docs/from_mask_to_report.py", '"from-mask-to-report.jpg"'),
    "measures.svg": ("benchmarks/measurements.py", "write_figure(figure, bland_altman("),
    "rooms.svg": ("docs/architecture.py", '"rooms.svg"'),
    "segmentation.jpg": ("docs/figure.py", '"segmentation.jpg"'),
    "table1.svg": ("python/aernet/reproduction/report.py", '"{table.name}.svg"'),
    "table2.svg": ("python/aernet/reproduction/report.py", '"{table.name}.svg"'),
    "viewer-frozen.png": ("docs/viewer.py", '"viewer-{name}.png"'),
    "viewer-light.png": ("docs/viewer.py", '"viewer-{name}.png"'),
    "viewer-phone.png": ("docs/viewer.py", '"viewer-{name}.png"'),
}


def test_every_picture_has_a_script():
    pictures = {path.name for path in (ROOT / "docs").iterdir() if path.suffix in {".jpg", ".png", ".svg"}}
    assert pictures == DRAWN_BY.keys()
    for script, words in DRAWN_BY.values():
        assert words in (ROOT / script).read_text(encoding="utf-8")


def test_every_picture_is_on_a_page():
    shown = {
        Path(target).name
        for page in PAGES
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    assert shown == DRAWN_BY.keys()
