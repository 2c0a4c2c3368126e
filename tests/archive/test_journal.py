"""Journals of strangers: a folder of outputs may come from anywhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from aernet.archive.journal import JOURNAL, Entry, Journal, JournalError, Source


@pytest.fixture
def changed(tmp_path):
    """Write an entry that is not done, change a column of it as SQLite lets anybody, and open it again."""

    def change(column, value):
        entry = Entry(Source("/a.png", 1, 1, "x"), {"model": "m"}, frozenset({"masks"}), {}, done=False)
        with closing(Journal(tmp_path)) as journal:
            journal.write("a_mask.png", entry)
        with closing(sqlite3.connect(tmp_path / JOURNAL)) as database:
            database.execute(f"UPDATE inputs SET {column} = ?", (value,))
            database.commit()
        return Journal(tmp_path)

    return change


@pytest.mark.parametrize("output", ["/etc/a_mask.png", "../a_mask.png", "a/../../a_mask.png"])
def test_outputs_that_lead_out_of_the_folder(changed, output):
    with (
        closing(changed("output", output)) as journal,
        pytest.raises(JournalError, match="leads out of the folder"),
    ):
        journal.unfinished()


@pytest.mark.parametrize("column", ["settings", "kinds", "facts"])
@pytest.mark.parametrize("text", ["", "7", '"a"', "[[1]]", "[" * 100_000])
def test_columns_that_hold_something_else(changed, column, text):
    with (
        closing(changed(column, text)) as journal,
        pytest.raises(JournalError, match="the journal of what is done cannot be kept"),
    ):
        journal.entry("a_mask.png")
