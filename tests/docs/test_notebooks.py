"""Notebooks are kept without outputs, and their cells run."""

from __future__ import annotations

import json

import pytest
from docs.pages import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 2


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    pytest.importorskip("pandas")
    mpl = pytest.importorskip("matplotlib")
    monkeypatch.setitem(mpl.rcParams, "backend", "agg")
    from matplotlib import pyplot as plt

    names = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            exec(compile("".join(cell["source"]), path.name, "exec"), names)
    assert plt.get_fignums()
    plt.close("all")
