"""The report of a study: the paper's figures, ours, and which differences are more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aernet.evaluation.rendering import render, write_figure
from aernet.files import write_text
from aernet.reproduction.figure import figure
from aernet.reproduction.outcome import METRICS, NONE, Outcome, count, difference, mean_of
from aernet.reproduction.tables import RECIPES, Table
from aernet.training.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aernet.reproduction.runs import Study


def write_report(study: Study, tables: Collection[Table], split: str, failures: Mapping[str, str]) -> None:
    """Write `report.md`, `report.html` and a figure for each table into the study's folder.

    Rows that are not finished are shown as "not run".

    Args:
        study: the runs.
        tables: the tables to show.
        split: name of the table of subsets.
        failures: the reasons why runs failed, by their titles.

    Raises:
        AernetError: a file cannot be written.
    """
    sections = []
    for table in tables:
        # For each recipe, by its title, what the rows reached, by theirs.
        outcomes = {
            recipe.title: {
                row.title: Outcome(runs) for row in table.rows if (runs := study.finished(row, recipe))
            }
            for recipe in RECIPES
        }
        means = {
            recipe: {row: outcome.means["jaccard"] for row, outcome in found.items()}
            for recipe, found in outcomes.items()
        }
        write_figure(study.output / f"{table.name}.svg", figure(table, means))
        details = [_details(table, f"With {recipe}", found) for recipe, found in outcomes.items() if found]
        description = f"{table.title}: Jaccard index, the paper's and ours, by row"
        grids = [_summary(table, outcomes), *details]
        sections.append({"table": table, "description": description, "grids": grids})
    for name in ("report.md", "report.html"):
        text = render(
            f"reproduction/{name}",
            title="The paper's tables, reproduced",
            introduction=_introduction(study, split),
            sections=sections,
            failures=failures,
        )
        write_text(study.output / name, text.rstrip() + "\n")


def _introduction(study: Study, split: str) -> list[str]:
    paper = load_settings("aernet-b1")
    text = render(
        "reproduction/introduction.txt",
        split=split,
        paper=paper,
        epochs=study.epochs or paper.epochs,
        size=study.size or paper.size,
        seeds=study.seeds,
        recipes=RECIPES,
        count=count,
    )
    return text.strip().split("\n\n")


def _summary(table: Table, outcomes: Mapping[str, Mapping[str, Outcome]]) -> dict[str, Any]:
    rows = []
    for row in table.rows:
        ours = [found.get(row.title) for found in outcomes.values()]
        theirs = [NONE if value is None else f"{value:g}" for value in (row.jaccard, row.dice)]
        rows.append(
            [row.title, *theirs, *(mean_of(outcome, "jaccard") for outcome in ours), difference(*ours[::-1])]
        )
    columns = ["", "paper: Jaccard", "paper: Dice", *(f"Jaccard, {recipe}" for recipe in outcomes)]
    return {"title": None, "columns": [*columns, "good recipe less the paper's"], "rows": rows}


def _details(table: Table, title: str, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    rows = []
    for above, row in zip([None, *table.rows], table.rows, strict=False):
        outcome = outcomes.get(row.title)
        rows.append(
            [
                row.title,
                *(mean_of(outcome, metric) for metric in METRICS),
                difference(outcome, outcomes.get(above.title)) if above else NONE,
                difference(outcome, outcomes.get(table.reference)) if row.title != table.reference else NONE,
                outcome.what_was_run() if outcome else "not run",
            ]
        )
    columns = ["", *METRICS.values(), "less the row above", f"less {table.reference}", "what was run"]
    return {"title": title, "columns": columns, "rows": rows}
