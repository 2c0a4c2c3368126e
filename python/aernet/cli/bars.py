"""Progress bars on stderr, which show only on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


def bars(*columns: ProgressColumn) -> Progress:
    """Return bars with these columns, or with the usual ones, that vanish at the end."""
    from rich.console import Console
    from rich.progress import Progress

    terminal = Console(stderr=True)
    return Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
