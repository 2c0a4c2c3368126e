"""The journal of an archive agrees with a dictionary, whatever is written, and however a run ends."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aernet.archive.journal import JOURNAL, Entry, Journal, JournalError, Source

NAMES = st.sampled_from(
    ["a_mask.png", "b/a_mask.png", "\N{SNOWMAN}.png", "not-utf8-\udcff.png", "a' OR 1 --", ""]
)
KINDS = st.sampled_from(["mask", "coco", "geojson"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
FACTS = st.dictionaries(st.text(), SCALARS, max_size=3)
SOURCES = st.builds(
    Source,
    NAMES,
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.text(),
)
ENTRIES = st.builds(Entry, SOURCES, FACTS, st.frozensets(KINDS), FACTS, st.booleans())


class Journals(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "0"
        self.journal = Journal(self.folder)
        self.entries = {}
        self.pieces = {}
        self.runs = 0

    def teardown(self):
        if hasattr(self, "root"):
            self.journal.close()
            shutil.rmtree(self.root)

    @rule(output=NAMES, entry=ENTRIES, pieces=st.dictionaries(KINDS, st.binary(max_size=50), max_size=2))
    def write(self, output, entry, pieces):
        self.journal.write(output, entry, pieces)
        self.entries[output] = entry
        for kind, piece in pieces.items():
            self.pieces[output, kind] = piece

    @rule()
    def end_and_begin_again(self):
        self.journal.close()
        self.journal = Journal(self.folder)

    @rule()
    def be_killed_and_begin_again(self):
        """What a killed run leaves are the files as they are at that moment."""
        self.runs += 1
        left = self.root / str(self.runs)
        left.mkdir()
        for file in self.folder.glob(f"{JOURNAL}*"):
            shutil.copy(file, left)
        self.journal.close()
        self.folder, self.journal = left, Journal(left)

    @rule()
    def another_run_is_refused(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("aernet.archive.journal._PATIENCE", 0.0)
            with pytest.raises(JournalError, match="another run writes into this folder"):
                Journal(self.folder)

    @invariant()
    def it_knows_what_was_written(self):
        if hasattr(self, "root"):
            assert {output: self.journal.entry(output) for output in self.entries} == self.entries
            assert self.journal.entry("never written") is None
            begun = {output for output, entry in self.entries.items() if not entry.done}
            assert sorted(self.journal.unfinished()) == sorted(begun)

    @invariant()
    def pieces_come_in_the_order_that_is_asked_for(self):
        if hasattr(self, "root"):
            outputs = sorted({output for output, _ in self.pieces}, reverse=True)
            for kind in ("mask", "coco", "geojson"):
                known = [self.pieces[output, kind] for output in outputs if (output, kind) in self.pieces]
                assert list(self.journal.pieces(kind, [*outputs, "never written"])) == known
                assert self.journal.has_pieces(kind) == bool(known)


def test_the_journal_agrees_with_a_dictionary(explore):
    explore(Journals)
