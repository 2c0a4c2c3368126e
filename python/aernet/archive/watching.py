"""How what takes long tells of its progress."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

Advance: TypeAlias = "Callable[[int], object]"
"""Called with the number of frames or bytes that are done since the last call."""

Watch: TypeAlias = "Callable[[str, int | None], AbstractContextManager[Advance]]"
"""Called with the name of a video or download, and with its number of frames or bytes if that is known."""


@contextmanager
def unwatched(name: str, total: int | None) -> Iterator[Advance]:  # noqa: ARG001 - as `Watch` has them
    """Show nothing."""
    yield lambda _: None
