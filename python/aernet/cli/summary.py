"""What `segment` says in the end."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any

from aernet.cli.text import printable
from aernet.inputs import count_kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def again_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for each reason for which inputs were done again: how many, and why."""
    count = Counter(row["again"] for row in rows if "again" in row)
    lines = []
    for reason, times in count.items():
        what = "1 input" if times == 1 else f"{times} inputs"
        lines.append(printable(f"done again: {what}: {reason}"))
    return lines


def summary(records: Sequence[dict[str, Any]]) -> Table:
    """Return a table that counts the records by status, with the median latency."""
    from rich.table import Column, Table

    count = Counter(record["status"] for record in records)
    latencies = [record["latency_ms"] for record in records if record.get("latency_ms")]
    tried = len(records) - count["left out"]
    inputs = "inputs" if any("masks" in record for record in records) else "pictures"
    statuses = ("done", "skipped", "failed", "damaged", "left out")
    table = Table(*(Column(name, justify="right") for name in (inputs, *statuses, "median latency")))
    counts = (str(count[status]) for status in statuses)
    table.add_row(str(tried), *counts, f"{median(latencies):.1f} ms" if latencies else "-")
    if count["skipped"]:
        table.caption = "skipped: done by an earlier run; --overwrite does them again"
    return table
