"""Training and measuring the rows of the tables, one run after the other."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from rich.console import Console
from rich.progress import track

from aernet.errors import AernetError, SourceError
from aernet.evaluation.evaluate import evaluate
from aernet.evaluation.metrics import Scores
from aernet.files import replacing
from aernet.reproduction.segmenter import CheckpointSegmenter
from aernet.reproduction.tables import RECIPES
from aernet.training.dataset import SPLIT, subset_pairs
from aernet.training.fit import train
from aernet.training.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from aernet.pairs import Pair
    from aernet.reproduction.tables import Recipe, Row, Table
    from aernet.segmenter import Segmenter
    from aernet.training.settings import Settings


@dataclass(frozen=True)
class Run:
    """One training of a row's network, and its scores on the test subset."""

    title: str
    """The row, the recipe and the seed."""
    settings: Settings
    """What is trained."""
    folder: Path
    """Where it is kept; rows that differ in their threshold alone share it."""
    otsu: bool
    """Whether masks are cut at Otsu's threshold."""
    weights: Path | None
    """ImageNet weights of the encoder; None where timm fetches them, or where it starts from random ones."""

    @property
    def scores_file(self) -> Path:
        """The scores of each picture, as `aernet-trt evaluate --per-image` writes them."""
        return self.folder / ("test-otsu.csv" if self.otsu else "test.csv")

    def scores(self) -> dict[str, Scores]:
        """Return the scores of each picture of the test subset; the run is finished."""
        with self.scores_file.open(newline="") as file:
            return {
                row.pop("image_id"): Scores(**{name: float(value) for name, value in row.items()})
                for row in csv.DictReader(file)
            }

    def seconds(self) -> list[float]:
        """Return how long each epoch took that is done, validation included."""
        log = self.folder / "log.csv"
        if not log.exists():
            return []
        with log.open(newline="") as file:
            return [float(row["seconds"]) for row in csv.DictReader(file)]

    def circumstances(self) -> dict[str, str]:
        """Return the machine that trained and what the encoder's weights started from."""
        content: dict[str, str] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return content


@dataclass(frozen=True)
class Study:
    """How much is spent on each row."""

    output: Path
    """Folder of the report and of all runs."""
    epochs: int | None = None
    """Passes over the training subset; None takes the preset's."""
    size: int | None = None
    """Side of the pictures in pixels; None takes the preset's."""
    seeds: int = 1
    """How often each network is trained."""
    encoder_weights: Path | None = None
    """ImageNet weights as timm state dicts: a file for B1, or a folder with `<timm name>.pth`."""
    fetch: bool = True
    """Whether timm fetches the weights that are not there; else such encoders start from random ones."""

    def runs(self, row: Row, recipe: Recipe) -> list[Run]:
        """Return the runs of a row with a recipe, one a seed, whether done or not.

        Raises:
            SourceError: the size is not a multiple of 32.
        """
        changes = row.changes | recipe.changes
        if self.epochs:
            changes["epochs"] = self.epochs
        if self.size:
            changes["sizes"] = [self.size]
        weights = self._weights_for(row)
        if weights is None and not self.fetch:
            changes["pretrained"] = False
        network = "+".join([row.preset, *row.changes.values()])
        runs = []
        for seed in range(self.seeds):
            settings = load_settings(row.preset, **changes, seed=seed)
            start = "" if settings.pretrained or settings.architecture != "aernet" else "-random"
            name = f"{recipe.name}-{settings.size}px-{settings.epochs}epochs-seed{seed}{start}"
            title = f"{row.title}, {recipe.title}, seed {seed}"
            runs.append(Run(title, settings, self.output / "runs" / network / name, row.otsu, weights))
        return runs

    def _weights_for(self, row: Row) -> Path | None:
        settings = load_settings(row.preset, **row.changes)
        if self.encoder_weights is None or settings.architecture != "aernet":
            return None
        if self.encoder_weights.is_dir():
            file = self.encoder_weights / f"{settings.encoder}.pth"
            return file if file.is_file() else None
        return None if "encoder" in row.changes else self.encoder_weights

    def finished(self, row: Row, recipe: Recipe) -> list[Run]:
        """Return those of `runs` that are trained and measured."""
        return [run for run in self.runs(row, recipe) if run.scores_file.exists()]


def reproduce(
    study: Study,
    tables: Collection[Table],
    data: Path,
    report: Callable[[dict[str, str]], None],
    *,
    recipes: Collection[Recipe] = RECIPES,
    titles: Collection[str] | None = None,
) -> None:
    """Train and measure what is missing; go on with what was interrupted and keep what is finished.

    Args:
        study: how much is spent on each row.
        tables: what is reproduced.
        data: folder as `load_subset` takes it; its subset test is what is measured on.
        report: called at the start and after each run with why runs failed, by their titles.
        recipes: those to train with.
        titles: the rows to train; None trains all.

    Raises:
        SourceError: there is no such row, or the test subset is missing or unreadable.
        AernetError: some runs failed; the others are done.
    """
    rows = [row for table in tables for row in table.rows]
    if unknown := sorted(set(titles or ()) - {row.title for row in rows}):
        raise SourceError(f"no row {unknown[0]!r}; the rows are {', '.join(row.title for row in rows)}")
    missing = {
        run.scores_file: run  # a run that two tables want is one
        for row in rows
        for recipe in recipes
        for run in study.runs(row, recipe)
        if not run.scores_file.exists() and (titles is None or row.title in titles)
    }
    pairs = subset_pairs(data, "test")
    failures: dict[str, str] = {}
    report(failures)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for number, run in enumerate(missing.values(), start=1):
        console.print(f"{number} of {len(missing)}: {run.title}")
        try:
            _train(run, data)
            _measure(run, pairs)
        except AernetError as error:
            failures[run.title] = str(error)
            console.print(f"failed: {error}")
        report(failures)
    if failures:
        title, reason = next(iter(failures.items()))
        raise AernetError(f"{len(failures)} of {len(missing)} runs failed, the first: {title}: {reason}")


def _train(run: Run, data: Path) -> None:
    if len(run.seconds()) == run.settings.epochs:
        return
    resume = (run.folder / "last.pt").exists()
    if not resume:
        if run.settings.architecture != "aernet" or not run.settings.pretrained:
            start = "from random weights"
        else:
            start = (
                f"encoder from {run.weights.name}" if run.weights else "encoder from timm's ImageNet weights"
            )
        with replacing(run.folder / "run.json") as temporary:
            temporary.write_text(json.dumps({"machine": _machine(), "start": start}) + "\n", encoding="utf-8")
    train(run.settings, data, run.folder, encoder_weights=run.weights, resume=resume)


def _machine() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads"


def _measure(run: Run, pairs: list[Pair]) -> None:
    segmenter = CheckpointSegmenter(run.folder / "best.pt", otsu=run.otsu)
    # `evaluate` asks for its card, its threshold and its answers alone.
    evaluation = evaluate(cast("Segmenter", segmenter), track(pairs, "Measuring"), f"subset test of {SPLIT}")
    with replacing(run.scores_file) as temporary, temporary.open("w", newline="") as file:
        evaluation.write_csv(file)
