"""The runs that reproduce the tables: what each trains, and the files that it leaves."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aernet.evaluation.evaluate import METRICS
from aernet.evaluation.metrics import Scores
from aernet.training.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.reproduction.tables import Recipe, Row


@dataclass(frozen=True)
class Run:
    """One training of a row's network, and its scores on the test subset."""

    title: str
    """The row, the recipe and the seed."""
    settings: Settings
    """What is trained."""
    folder: Path
    """Where its files are; rows that differ in their threshold alone share a folder."""
    otsu: bool
    """Whether each mask has its own threshold, after Otsu."""
    weights: Path | None
    """ImageNet weights of the encoder; None if timm downloads them, or if the weights start at random."""

    @property
    def scores_file(self) -> Path:
        """The scores of each picture, as `aernet-trt evaluate --per-image` writes them."""
        return self.folder / ("test-otsu.csv" if self.otsu else "test.csv")

    def scores(self) -> dict[str, Scores]:
        """Return the scores of each picture of the test subset; the run must be finished."""
        with self.scores_file.open(newline="") as file:
            return {
                row["image_id"]: Scores(**{name: float(row[name]) for name in METRICS})
                for row in csv.DictReader(file)
            }

    def seconds(self) -> list[float]:
        """Return the seconds that each finished epoch took, validation included."""
        log = self.folder / "log.csv"
        if not log.exists():
            return []
        with log.open(newline="") as file:
            return [float(row["seconds"]) for row in csv.DictReader(file)]

    def circumstances(self) -> dict[str, str]:
        """Return the machine that trained, and where the encoder's first weights came from."""
        content: dict[str, str] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return content


@dataclass(frozen=True)
class Study:
    """How the rows are trained, and where the results are kept."""

    output: Path
    """Folder of the report and of all runs."""
    epochs: int | None = None
    """Passes over the training subset; None takes the preset's."""
    size: int | None = None
    """Side of the pictures in pixels; None takes the preset's."""
    seeds: int = 1
    """How often each network is trained, each time with another seed."""
    encoder_weights: Path | None = None
    """ImageNet weights as timm state dicts: a file for B1, or a folder with `<timm name>.pth`."""
    fetch: bool = True
    """Whether timm downloads weights that have no file; else such encoders start from random weights."""

    def runs(self, row: Row, recipe: Recipe) -> list[Run]:
        """Return the runs of a row with a recipe, one for each seed, finished or not.

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
        names = [value for value in row.changes.values() if isinstance(value, str)]
        network = "+".join([row.preset, *names])
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
        if self.encoder_weights is None or settings.architecture != "aernet" or not settings.pretrained:
            return None
        if self.encoder_weights.is_dir():
            file = self.encoder_weights / f"{settings.encoder}.pth"
            return file if file.is_file() else None
        return None if "encoder" in row.changes else self.encoder_weights

    def finished(self, row: Row, recipe: Recipe) -> list[Run]:
        """Return those of `runs` that have been trained and measured."""
        return [run for run in self.runs(row, recipe) if run.scores_file.exists()]
