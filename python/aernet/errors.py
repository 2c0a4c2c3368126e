"""Errors, whose messages name the thing, what was expected, what was found and what to do."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


# Line feeds, which would make two lines of one, and what commands a terminal: names of files and cells of
# tables may hold them.
_CONTROLS = {code: ascii(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


class AernetError(Exception):
    """Any error that a user can act on; its message is one line, which the command line prints.

    Control characters in it, such as those of a file's name, are written as Python's `ascii` writes them.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(one.translate(_CONTROLS) if isinstance(one, str) else one for one in arguments))


class EngineError(AernetError):
    """An engine that cannot be built, or that must not be used on this machine."""


class FrameError(AernetError, ValueError):
    """A frame or a probability map that breaks the contract on type, shape or value."""


class ModelError(AernetError):
    """A model file that is missing, unreadable, or not an AER-Net model."""


class OutputError(AernetError):
    """A file that cannot be written; its cause is the `OSError`."""


class SourceError(AernetError):
    """A picture, folder or table that is missing, unreadable, or of the wrong kind."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return " (did you mean NAME?)" with the known name that is nearest; nothing if none is near."""
    nearest = get_close_matches(str(name), list(known), 1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""
