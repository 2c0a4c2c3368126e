"""The tables of `measure`: one for programs, and a short one for readers."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from aernet.cli.text import printable
from aernet.files import replacing
from aernet.measure.row import LESION_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.table import Table

COLUMNS = (
    "file",
    "status",
    *LESION_COLUMNS,
    "expected_dice",
    "needs_review",
    "threshold",
    "model",
)
"""The columns of a table of measurements; a cell is empty where the value is not known."""


def write_table(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    r"""Write rows as CSV, what is no UTF-8 in the names of files as `\udce4`.

    Raises:
        OutputError: the file cannot be written.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        table = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)


def short_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return a table of the main measurements, in millimetres where they are known.

    The asymmetry is that of the shape, about the first and the second axis.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    length = "px" if all(row["longest_diameter_mm"] is None for row in rows) else "mm"
    area = "mm2" if any(row["area_mm2"] is not None for row in rows) else "px"
    headers = (
        f"area\n{area}",
        f"longest\n{length}",
        f"shortest\n{length}",
        "asymmetry\n%",
        "expected\nDice",
        "needs\nreview",
    )
    columns = (Column(header, justify="right", no_wrap=True) for header in headers)
    table = Table(Column("file", overflow="fold"), *columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for row in rows:
        table.add_row(
            printable(row["file"]),
            _shown(row[f"area_{area}"], "{:.2f}" if area == "mm2" else "{:,}"),
            _shown(row[f"longest_diameter_{length}"], "{:.2f}" if length == "mm" else "{:.1f}"),
            _shown(row[f"shortest_diameter_{length}"], "{:.2f}" if length == "mm" else "{:.1f}"),
            _asymmetry(row),
            _shown(row["expected_dice"], "{:.2f}"),
            {True: "yes", False: "no", None: "-"}[row["needs_review"]],
        )
    return table


def _asymmetry(row: dict[str, Any]) -> str:
    first, second = row["shape_asymmetry_first_axis"], row["shape_asymmetry_second_axis"]
    return "-" if first is None else f"{100 * first:.0f}, {100 * second:.0f}"


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
