"""Several ways to read one input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet import AernetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def attempt(file: Path, *ways: Callable[[Path], object]) -> None:
    """Read a file in each way; raise the first refusal if all refuse it."""
    refusals = []
    for way in ways:
        try:
            way(file)
        except AernetError as refusal:
            refusals.append(refusal)
    if len(refusals) == len(ways):
        raise refusals[0]
