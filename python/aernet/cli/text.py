"""Text of others, such as the names of files, as one line that any terminal shows."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with line ends, control characters and what is no UTF-8 written as `\n` or `\udce4`."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
