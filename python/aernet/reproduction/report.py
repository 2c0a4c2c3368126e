"""The report of a study: the paper's figures, ours, and which differences are more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

from aernet.evaluation.metrics import bootstrap_mean
from aernet.evaluation.paired import paired_difference
from aernet.files import replacing
from aernet.reproduction.document import Grid, Heading, Paragraph, Picture, html, markdown
from aernet.reproduction.figure import figure
from aernet.reproduction.tables import RECIPES
from aernet.training.dataset import SPLIT
from aernet.training.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aernet.evaluation.metrics import Mean
    from aernet.reproduction.document import Block
    from aernet.reproduction.study import Run, Study
    from aernet.reproduction.tables import Recipe, Table

METRICS = {"jaccard": "Jaccard", "dice": "Dice", "thresholded_jaccard": "thresholded Jaccard"}
NONE = "-"


@dataclass(frozen=True)
class Outcome:
    """What a row reached with a recipe."""

    runs: list[Run]
    """The finished ones, at least one; they differ in their seeds."""

    @cached_property
    def scores(self) -> dict[str, dict[str, float]]:
        """For each metric the score of each picture, its mean over the seeds."""
        seeds = [run.scores() for run in self.runs]
        return {
            metric: {
                image_id: fmean(getattr(scores[image_id], metric) for scores in seeds)
                for image_id in seeds[0]
            }
            for metric in METRICS
        }

    @cached_property
    def means(self) -> dict[str, Mean]:
        """For each metric the mean over pictures, with its bootstrap interval."""
        return {metric: bootstrap_mean(list(scores.values())) for metric, scores in self.scores.items()}

    def what_was_run(self) -> str:
        """Return epochs, size, seeds, minutes and the start of the weights, in words."""
        settings = self.runs[0].settings
        start, machine = (
            " / ".join(dict.fromkeys(run.circumstances()[key] for run in self.runs))
            for key in ("start", "machine")
        )
        minutes = sum(sum(run.seconds()) for run in self.runs) / 60
        words = f"{_count(settings.epochs, 'epoch')}, {settings.size} px, {_count(len(self.runs), 'seed')}"
        if len(self.runs) > 1:
            each = (100 * fmean(row.jaccard for row in run.scores().values()) for run in self.runs)
            words += f" (Jaccard {', '.join(f'{jaccard:.1f}' for jaccard in each)})"
        return (
            f"{words}, {start}, {minutes:.1f} min on {machine}; {len(self.scores['jaccard'])} test pictures"
        )


def write_report(study: Study, tables: Collection[Table], failures: Mapping[str, str]) -> None:
    """Write `report.md`, `report.html` and a figure for each table into the study's folder.

    Rows that are not done yet are shown as such.

    Args:
        study: the runs.
        tables: those to show.
        failures: why runs failed, by their titles.

    Raises:
        AernetError: a file cannot be written.
    """
    blocks: list[Block] = [
        Heading("The paper's tables, reproduced", 1),
        *(Paragraph(text) for text in _introduction(study)),
    ]
    for table in tables:
        outcomes = {
            (row.title, recipe.name): Outcome(runs)
            for row in table.rows
            for recipe in RECIPES
            if (runs := study.finished(row, recipe))
        }
        blocks += _section(table, outcomes)
        with replacing(study.output / f"{table.name}.svg") as temporary:
            temporary.write_text(_figure(table, outcomes), encoding="utf-8")
    if failures:
        blocks.append(Heading("Failed", 2))
        blocks += [Paragraph(f"{title}: {reason}") for title, reason in failures.items()]
    for name, text in (("report.md", markdown(blocks)), ("report.html", html(blocks))):
        with replacing(study.output / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _introduction(study: Study) -> list[str]:
    paper = load_settings("aernet-b1")
    epochs, size = study.epochs or paper.epochs, study.size or paper.size
    ours = f"{_count(epochs, 'epoch')} at {size} x {size} pixels, {_count(study.seeds, 'seed')} a row"
    theirs = f"{paper.epochs} epochs at {paper.size} x {paper.size} pixels"
    if (epochs, size) == (paper.epochs, paper.size):
        scale = f"As in the paper, each network is trained for {ours}."
    else:
        scale = (
            "These runs are not at the paper's scale, so that they are affordable without a large GPU: the "
            f"paper trains for {theirs}, here it is {ours}. Compare the rows with each other; that one falls "
            "short of the paper's figure, or passes it, says little."
        )
    measured = (
        "Lima and Braz (2021), Attention Efficient Residual U-Net, trained again by aernet-trt reproduce "
        f"and measured on pictures that no choice was made on (subset test of {SPLIT}; the paper does not "
        "name its own). All figures are in percent: means over pictures, at the masks' own size, with 95 % "
        "bootstrap intervals over pictures. With several seeds, a picture's score is its mean over them. "
        "Checkpoint and threshold are chosen on subset val. The thresholded Jaccard counts a picture below "
        "65 as 0. Not a medical device."
    )
    differences = (
        "A difference is that of the Jaccard index in points, picture by picture, with its 95 % paired "
        "bootstrap interval; it is clear where the interval leaves out 0, else within chance. The intervals "
        "are those of the pictures: another seed moves a row too. They are not corrected for the number of "
        "rows."
    )
    recipes = [f"{recipe.title.capitalize()}: {recipe.words}." for recipe in RECIPES]
    return [measured, scale, *recipes, differences]


def _figure(table: Table, outcomes: Mapping[tuple[str, str], Outcome]) -> str:
    return figure(
        table.title,
        [row.title for row in table.rows],
        {row.title: row.jaccard for row in table.rows if row.jaccard is not None},
        {
            recipe.title: {
                title: outcome.means["jaccard"] for title, outcome in _with(recipe, outcomes).items()
            }
            for recipe in RECIPES
        },
    )


def _with(recipe: Recipe, outcomes: Mapping[tuple[str, str], Outcome]) -> dict[str, Outcome]:
    """Return the outcomes with a recipe by the titles of their rows."""
    return {title: outcome for (title, name), outcome in outcomes.items() if name == recipe.name}


def _section(table: Table, outcomes: Mapping[tuple[str, str], Outcome]) -> list[Block]:
    blocks: list[Block] = [
        Heading(table.title, 2),
        Paragraph(table.note),
        Picture(f"{table.name}.svg", f"{table.title}: Jaccard index, the paper's and ours, by row"),
        _summary(table, outcomes),
    ]
    for recipe in RECIPES:
        if found := _with(recipe, outcomes):
            blocks += [Heading(f"With {recipe.title}", 3), _details(table, found)]
    return blocks


def _summary(table: Table, outcomes: Mapping[tuple[str, str], Outcome]) -> Grid:
    rows = []
    for row in table.rows:
        ours = [outcomes.get((row.title, recipe.name)) for recipe in RECIPES]
        rows.append(
            [
                row.title,
                NONE if row.jaccard is None else f"{row.jaccard:g}",
                NONE if row.dice is None else f"{row.dice:g}",
                *(_mean(outcome, "jaccard") for outcome in ours),
                _difference(ours[1], ours[0]),
            ]
        )
    columns = ["", "paper: Jaccard", "paper: Dice", *(f"Jaccard, {recipe.title}" for recipe in RECIPES)]
    return Grid([*columns, "good recipe less the paper's"], rows)


def _details(table: Table, outcomes: Mapping[str, Outcome]) -> Grid:
    rows = []
    for above, row in zip([None, *table.rows], table.rows, strict=False):
        outcome = outcomes.get(row.title)
        rows.append(
            [
                row.title,
                *(_mean(outcome, metric) for metric in METRICS),
                _difference(outcome, outcomes.get(above.title)) if above else NONE,
                _difference(outcome, outcomes.get(table.reference)) if row.title != table.reference else NONE,
                outcome.what_was_run() if outcome else "not run",
            ]
        )
    columns = ["", *METRICS.values(), "less the row above", f"less {table.reference}", "what was run"]
    return Grid(columns, rows)


def _mean(outcome: Outcome | None, metric: str) -> str:
    if outcome is None:
        return "not run"
    mean = outcome.means[metric]
    return f"{100 * mean.mean:.1f} ({100 * mean.ci95[0]:.1f} to {100 * mean.ci95[1]:.1f})"


def _difference(outcome: Outcome | None, other: Outcome | None) -> str:
    if outcome is None or other is None:
        return NONE
    difference = paired_difference(outcome.scores["jaccard"], other.scores["jaccard"])
    low, high = (100 * end for end in difference.ci95)
    verdict = "clear" if difference.is_clear else "within chance"
    return f"{100 * difference.mean:+.1f} ({low:+.1f} to {high:+.1f}), {verdict}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
