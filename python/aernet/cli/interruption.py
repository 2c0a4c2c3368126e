"""Ctrl-C, which ends a command in one line, whatever it interrupts.

Python raises KeyboardInterrupt between any two steps of the main thread. Four things can become of it there.
In the midst of taking or giving back a lock it leaves a lock that nobody gives back, or that is given back
twice; and an extension that is being loaded may crash over it, as onnx's does, whose module crashes too if it
is thrown away after it is made and before it is filled. So there it is put off. Within an import or a library
it can become another exception; so what follows an interrupt counts as one. In a finalizer it is lost; so it
comes again.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STATUS = 128 + signal.SIGINT
"""The exit status of a command that was interrupted, as in shells."""
_TAKE_LOCKS = {"concurrent.futures._base", "concurrent.futures.thread", "logging", "queue", "threading"}
_AGAIN_SECONDS = 0.01

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
    """Let Ctrl-C raise KeyboardInterrupt within the block where that is harmless; after it, end the process.

    In a process that ignores Ctrl-C, as one in the background does, it stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    tell_of_lost = sys.unraisablehook
    press = _Press()

    def tell(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            press.come_again()
        else:
            tell_of_lost(lost)

    sys.unraisablehook = tell
    signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        # What is left is Python's own end, of which an interrupt would show the traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class _Press:
    """The handler of SIGINT: it raises KeyboardInterrupt once the step under way may fail."""

    def __init__(self) -> None:
        self._put_off = False
        self._repeated = False  # the signal comes from here
        self._seen: tuple[FrameType, int] | None = None
        self._hook = self._look  # kept, because it takes itself away while Python runs it

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        if self._repeated:
            self._repeated = False
            if not self._put_off:
                return
        if frame is None or not _must_not_fail(frame):
            self._interrupt()
        step = (frame, frame.f_lasti)
        # One that has not moved on waits for a lock, and can be interrupted.
        if step == self._seen and _takes_locks(frame):
            self._interrupt()
        self._seen = step
        if sys.getprofile() is None:
            sys.setprofile(self._hook)
        self.come_again()

    def come_again(self) -> None:
        """Repeat the signal in a moment, if nothing has come of it until then."""
        self._put_off = True
        # A Thread would take locks that the interrupted one may hold.
        _thread.start_new_thread(self._repeat, ())

    def _repeat(self) -> None:
        time.sleep(_AGAIN_SECONDS)
        if self._put_off:
            self._repeated = True
            main = threading.main_thread().ident
            if hasattr(signal, "pthread_kill") and main is not None:
                signal.pthread_kill(main, signal.SIGINT)  # it wakes a thread that waits
            else:
                _thread.interrupt_main()

    def _look(self, frame: FrameType, _event: str, _value: object) -> None:
        """Interrupt the first step after those that must not fail; called with every call and return."""
        if not _must_not_fail(frame) and frame.f_globals is not globals():
            self._interrupt()

    def _interrupt(self) -> NoReturn:
        if sys.getprofile() is self._hook:
            sys.setprofile(None)
        self._put_off, self._seen = False, None
        _presses.append(None)
        raise KeyboardInterrupt


def _must_not_fail(frame: FrameType) -> bool:
    return _takes_locks(frame) or _loads_extension(frame)


def _loads_extension(frame: FrameType | None) -> bool:
    while frame is not None:
        # This step of an import makes a module, fills it and keeps it where it is found from then on.
        if frame.f_code.co_name == "_load_unlocked" and isinstance(
            getattr(frame.f_locals.get("spec"), "loader", None), ExtensionFileLoader
        ):
            return True
        frame = frame.f_back
    return False


def _takes_locks(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") in _TAKE_LOCKS
