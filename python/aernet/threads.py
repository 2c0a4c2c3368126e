"""How the processor's threads are shared."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aernet._native import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def shared_among(count: int) -> Iterator[None]:
    """Give a network that is loaded within the block its share of the threads: one of `count`, at least 1."""
    threads = get_num_threads()
    set_num_threads(max(1, threads // count))
    try:
        yield
    finally:
        set_num_threads(threads)
