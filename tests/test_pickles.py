"""No file from outside is unpickled, as a pickle runs whatever code it names."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

from aernet import SourceError

PROJECT = Path(__file__).parents[1]
SOURCES = [
    path
    for folder in ("python", "engines", "benchmarks", "examples")
    for path in (PROJECT / folder).rglob("*.py")
]
PICKLES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}


def calls(path):
    """Yield the dotted name and the keywords of each call, and the name of each import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        elif isinstance(node, ast.Import):
            yield from ((name.name.partition(".")[0], {}) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0], {}


def test_nothing_loads_pickles():
    loads = 0
    for path in SOURCES:
        for name, words in calls(path):
            assert name not in PICKLES, path
            assert words.get("allow_pickle", "False") == "False", path
            if name == "torch.load":
                loads += 1
                assert words.get("weights_only") == "True", path
    assert loads >= 1


class Evil:
    """What a pickle may hold: a call of any function, here of one that makes a file."""

    def __init__(self, file):
        self._file = file

    def __reduce__(self):
        return Path.touch, (self._file,)


def test_a_checkpoint_that_is_a_program_does_not_run(tmp_path):
    torch = pytest.importorskip("torch")
    from aernet.training.checkpoint import load_checkpoint

    made = tmp_path / "made"
    torch.save({"format": "aernet-checkpoint-2", "evil": Evil(made)}, tmp_path / "best.pt")
    with pytest.raises(SourceError, match=r"best\.pt: not a checkpoint"):
        load_checkpoint(tmp_path / "best.pt")
    assert not made.exists()
    pickle.loads(pickle.dumps(Evil(made)))
    assert made.exists()  # so it would have run


def test_masks_of_an_earlier_run_that_are_a_program_do_not_run(tmp_path):
    pytest.importorskip("torch")
    import numpy as np

    from aernet.training.dataset import Pictures
    from aernet.training.distil import load_masks

    made = tmp_path / "made"
    np.savez(tmp_path / "masks.npz", mask=np.array([Evil(made)], object))
    pictures = Pictures.__new__(Pictures)
    with pytest.raises(SourceError, match=r"masks\.npz: cannot be read"):
        load_masks(pictures, tmp_path / "masks.npz")
    assert not made.exists()
