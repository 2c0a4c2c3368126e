"""The rows of the paper's tables, as `tables.toml` lists them: a preset each, and what it changes there."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import msgspec


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    name: str
    """Name on the command line and of folders."""
    title: str
    """Name in a report."""
    words: str
    """What it does, in words."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What it changes in a preset."""


@dataclass(frozen=True)
class Row:
    """A row of a table: a preset, what it changes there, and what the paper reports."""

    title: str
    """Name on the command line and in a report; one in its table."""
    preset: str = "aernet-b1"
    """Preset with the paper's recipe."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What the row changes in it."""
    jaccard: float | None = None
    """The paper's, in percent; None where it gives none."""
    dice: float | None = None
    """The paper's, in percent; None where it gives none."""
    otsu: bool = False
    """Whether each mask is cut at Otsu's threshold instead of the one chosen on validation pictures."""


@dataclass(frozen=True)
class Table:
    """A table of the paper."""

    name: str
    """Name on the command line and of the figure."""
    title: str
    """Title in a report."""
    note: str
    """What a reader must know of it."""
    reference: str
    """Title of the row that every other one is compared with."""
    rows: list[Row]
    """In the order of the report: each row is compared with the one above."""


_CONTENT = msgspec.toml.decode(files("aernet.reproduction").joinpath("tables.toml").read_bytes())
RECIPES = msgspec.convert(_CONTENT["recipes"], list[Recipe])
"""The paper's recipe, then the good one."""
TABLES = msgspec.convert(_CONTENT["tables"], list[Table])
"""In the order of the paper."""
