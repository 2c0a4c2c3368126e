"""What FFmpeg logs while it decodes, which often is all that it tells about damage."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aernet.video.libav import import_av

if TYPE_CHECKING:
    from collections.abc import Iterator

# Films that were cut and joined at key frames have this, and lack nothing.
_HARMLESS = ("mmco: unref short failure",)

_lock = threading.Lock()
_users = 0
_before: tuple[Any, Any] = (None, True)


@contextmanager
def logged(level: int | None = None) -> Iterator[list[str]]:
    """Yield a list that holds what FFmpeg has logged on this thread, once the block is left.

    The log of FFmpeg is one for the whole process, and PyAV keeps it switched off. It is on in the block
    alone; what other threads log meanwhile is dropped.

    Args:
        level: the least important level that counts, as PyAV numbers them; None takes errors.
    """
    log = import_av("decoding").logging
    lines: list[str] = []
    records: list[tuple[int, str, str]] = []
    _switch_on(log)
    try:
        with log.Capture(local=False), log.Capture() as records:
            yield lines
    finally:
        _switch_off(log)
        most = log.ERROR if level is None else level
        lines += [text for rank, _, text in records if rank <= most and not text.startswith(_HARMLESS)]


def _switch_on(log: Any) -> None:
    global _users, _before  # noqa: PLW0603 - the log is global, too
    with _lock:
        if _users == 0:
            _before = log.get_level(), log.get_skip_repeated()
            log.set_level(log.INFO)
            log.set_skip_repeated(False)
        _users += 1


def _switch_off(log: Any) -> None:
    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users == 0:
            log.set_level(_before[0])
            log.set_skip_repeated(_before[1])
