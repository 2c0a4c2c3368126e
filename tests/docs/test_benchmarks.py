"""docs/benchmarks.md names every script of benchmarks/ that measures something."""

from __future__ import annotations

import re

from docs.pages import ROOT


def test_the_page_names_every_script():
    named = set(
        re.findall(r"`benchmarks/(\w+\.py)`", (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8"))
    )
    assert named == {path.name for path in (ROOT / "benchmarks").glob("*.py")}
