"""What becomes of a process's objects in a forked process, which has their memory but not their threads."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_kept: WeakSet[object] = WeakSet()
_told: WeakKeyDictionary[Any, Callable[[Any], object]] = WeakKeyDictionary()


def keep_in_forks(one: object) -> None:
    """Never free an object in a forked process, where it would wait for its threads for ever."""
    _kept.add(one)


def tell_of_forks(one: T, tell: Callable[[T], object]) -> None:
    """Call `tell` with an object in each forked process, before any other thread is there."""
    _told[one] = tell


def _after_fork() -> None:
    for one in _kept:
        # Not even at the end of the process, when Python lets go of all else.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))
    _kept.clear()
    for one, tell in list(_told.items()):
        tell(one)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
