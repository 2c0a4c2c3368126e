"""The option --keep."""

from __future__ import annotations

from enum import Enum


class Keep(str, Enum):
    """Which regions of a mask are kept."""

    largest = "largest"
    all = "all"
