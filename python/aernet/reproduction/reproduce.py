"""Trains and measures the rows of the tables, one run after the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from rich.progress import track

from aernet.data.sources import require_table
from aernet.errors import AernetError, SourceError
from aernet.evaluation.evaluate import evaluate
from aernet.files import replacing, write_text
from aernet.reproduction.segmenter import CheckpointSegmenter
from aernet.reproduction.tables import RECIPES, Recipe, Table
from aernet.training.dataset import subset_pairs
from aernet.training.train import train

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from aernet.pairs import Pair
    from aernet.reproduction.runs import Run, Study

# Beside our own errors what PyTorch, timm and files give, such as a GPU's memory that does not suffice.
_FAILURES = (AernetError, RuntimeError, OSError, ValueError, MemoryError)


def reproduce(
    study: Study,
    tables: Collection[Table],
    data: Path,
    report: Callable[[dict[str, str]], None],
    *,
    recipes: Collection[Recipe] = RECIPES,
    titles: Collection[str] | None = None,
) -> None:
    """Train and measure the runs that are not finished; those that were interrupted continue.

    Args:
        study: how the rows are trained, and where the results are kept.
        tables: the tables to reproduce.
        data: folder as `load_subset` takes it; the runs are measured on its subset test.
        report: called at the start and after each run with the reasons why runs failed, by their titles.
        recipes: the recipes to train with.
        titles: the rows to train; None trains all.

    Raises:
        SourceError: there is no such row, or the test subset is missing or unreadable.
        AernetError: some runs failed, by whatever fault; the others are finished.
    """
    rows = [row for table in tables for row in table.rows]
    if unknown := sorted(set(titles or ()) - {row.title for row in rows}):
        raise SourceError(f"no row {unknown[0]!r}; the rows are {', '.join(row.title for row in rows)}")
    missing = {
        run.scores_file: run  # tables that share a run train it once
        for row in rows
        for recipe in recipes
        for run in study.runs(row, recipe)
        if not run.scores_file.exists() and (titles is None or row.title in titles)
    }
    table = require_table(data)
    pairs = subset_pairs(data, "test", table=table)
    failures: dict[str, str] = {}
    report(failures)
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for number, run in enumerate(missing.values(), start=1):
        console.print(f"{number} of {len(missing)}: {run.title}")
        try:
            _train(run, data)
            _measure(run, pairs, f"subset test of {table.name}")
        except _FAILURES as error:
            failures[run.title] = str(error) if isinstance(error, AernetError) else _in_a_line(error)
            console.print(f"failed: {failures[run.title]}")
        report(failures)
    if failures:
        title, reason = next(iter(failures.items()))
        raise AernetError(f"{len(failures)} of {len(missing)} runs failed, the first: {title}: {reason}")


def _in_a_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _train(run: Run, data: Path) -> None:
    if len(run.seconds()) == run.settings.epochs:
        return
    resume = (run.folder / "last.pt").exists()
    if not resume:
        if run.settings.architecture != "aernet" or not run.settings.pretrained:
            start = "from random weights"
        elif run.weights:
            start = f"encoder from {run.weights.name}"
        else:
            start = "encoder from timm's ImageNet weights"
        write_text(run.folder / "run.json", json.dumps({"machine": _machine(), "start": start}) + "\n")
    train(run.settings, data, run.folder, encoder_weights=None if resume else run.weights, resume=resume)


def _machine() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads"


def _measure(run: Run, pairs: list[Pair], source: str) -> None:
    segmenter = CheckpointSegmenter(run.folder / "best.pt", otsu=run.otsu)
    evaluation = evaluate(segmenter, track(pairs, "Measuring"), source)
    with replacing(run.scores_file) as temporary, temporary.open("w", newline="") as file:
        evaluation.write_csv(file)
