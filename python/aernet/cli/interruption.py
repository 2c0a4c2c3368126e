"""Ctrl-C, which ends a command in one line, whatever it interrupts.

Python raises KeyboardInterrupt between any two steps of the main thread. Three things can become of it there.
In the midst of taking or giving back a lock it leaves a lock that nobody gives back, or that is given back
twice; so there it is put off. Within an import or a library it can become another exception; so what follows
an interrupt counts as one. In a finalizer it is lost; so it comes again.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STATUS = 128 + signal.SIGINT
"""The exit status of a command that was interrupted, as in shells."""
_TAKE_LOCKS = {"concurrent.futures._base", "concurrent.futures.thread", "logging", "queue", "threading"}
_AGAIN_SECONDS = 0.01
_MOST_PUT_OFF = 50  # times

_presses: list[object] = []  # a lock might be held by what a handler interrupts


def was_interrupted(error: BaseException) -> bool:
    """Tell whether an exception comes of a Ctrl-C."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        if isinstance(one, KeyboardInterrupt):
            return True
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
    return bool(_presses)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt within the block, where that does no harm; after it, end the process.

    In a process that ignores Ctrl-C, as one in the background does, it stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    tell_of_lost = sys.unraisablehook

    def tell(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            _come_again()
        else:
            tell_of_lost(lost)

    sys.unraisablehook = tell
    signal.signal(signal.SIGINT, _Press())
    try:
        yield
    finally:
        # What is left is Python's own end, of which an interrupt would show the traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class _Press:
    """The handler of SIGINT."""

    def __init__(self) -> None:
        self._seen: tuple[FrameType, int] | None = None
        self._put_off = 0

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_globals.get("__name__") in _TAKE_LOCKS and self._put_off < _MOST_PUT_OFF:
            step = (frame, frame.f_lasti)
            if step != self._seen:  # one that has not moved on since is waiting, which can be interrupted
                self._seen = step
                self._put_off += 1
                _come_again()
                return
        self._seen, self._put_off = None, 0
        _presses.append(None)
        raise KeyboardInterrupt


def _come_again() -> None:
    """Repeat the interrupt in a moment."""
    main = threading.main_thread().ident

    def send() -> None:
        time.sleep(_AGAIN_SECONDS)
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, signal.SIGINT)  # it wakes a thread that waits
        else:
            _thread.interrupt_main()

    # A Thread would take locks that the interrupted one may hold.
    _thread.start_new_thread(send, ())
