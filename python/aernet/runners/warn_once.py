"""Warnings that a process logs once."""

from __future__ import annotations

import logging
from functools import cache

_log = logging.getLogger(__name__)


@cache
def warn_once(message: str) -> None:
    """Log a warning, unless the process has logged the same before."""
    _log.warning("%s", message)
