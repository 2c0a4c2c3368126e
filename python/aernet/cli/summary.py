"""What `segment` says in the end."""

from __future__ import annotations

from array import array
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any

from aernet.cli.text import printable
from aernet.inputs import count_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from aernet.inputs import LeftOut


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """Return a line for each kind of thing that was left out: how many, an example, and why."""
    first = {thing.kind: thing for thing in reversed(left_out)}
    lines = []
    for kind in dict.fromkeys(thing.kind for thing in left_out):
        (count,) = count_kinds([thing for thing in left_out if thing.kind == kind])
        example = first[kind]
        such_as = "" if count.startswith("1 ") else "such as "
        lines.append(printable(f"left out: {count}, {such_as}{example.path}: {example.reason}"))
    return lines


class Tally:
    """Counts rows as they come, and keeps none of them."""

    def __init__(self) -> None:
        self._statuses: Counter[str] = Counter()
        self._again: Counter[str] = Counter()
        self._latencies = array("d")
        self._has_video = False
        self.has_errors = False
        """Whether something failed or is damaged."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row."""
        self._statuses[row["status"]] += 1
        self._has_video = self._has_video or "masks" in row
        self.has_errors = self.has_errors or "error" in row
        if "again" in row:
            self._again[row["again"]] += 1
        if row.get("latency_ms"):
            self._latencies.append(row["latency_ms"])

    def again_lines(self) -> list[str]:
        """Return a line for each reason for which inputs were done again: how many, and why."""
        lines = []
        for reason, times in self._again.items():
            what = "1 input" if times == 1 else f"{times} inputs"
            lines.append(printable(f"done again: {what}: {reason}"))
        return lines

    def summary(self) -> Table:
        """Return a table that counts the rows by status, with the median latency."""
        from rich.table import Column, Table

        count = self._statuses
        statuses = ("done", "skipped", "failed", "damaged", "left out")
        inputs = "inputs" if self._has_video else "pictures"
        table = Table(*(Column(name, justify="right") for name in (inputs, *statuses, "median latency")))
        tried = count.total() - count["left out"]
        latency = f"{median(self._latencies):.1f} ms" if self._latencies else "-"
        table.add_row(str(tried), *(str(count[status]) for status in statuses), latency)
        if count["skipped"]:
            table.caption = "skipped: done by an earlier run; --overwrite does them again"
        return table
