"""Progress bars on stderr, which show only on a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from aernet.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, ProgressColumn


def bars(*columns: ProgressColumn) -> Progress:
    """Return bars with these columns, or with the usual ones, that vanish at the end.

    What is printed to its `console` meanwhile goes to stderr as it is, and stdout is left alone.
    """
    from rich.console import Console
    from rich.progress import Progress

    terminal = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    return Progress(
        *columns, console=terminal, transient=True, redirect_stdout=False, disable=not terminal.is_terminal
    )


@contextmanager
def watched(progress: Progress, name: str, total: int | None) -> Iterator[Callable[[int], object]]:
    """Show a bar for a video or download, and yield what moves it on."""
    bar = progress.add_task(printable(name), total=total)
    try:
        yield partial(progress.advance, bar)
    finally:
        progress.remove_task(bar)
