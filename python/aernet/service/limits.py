"""What a request may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a service; a request beyond one is refused."""

    body_bytes: int = 20_000_000
    """Bytes of a request's body."""
    pixels: int = 50_000_000
    """Width times height of a picture; three bytes each, for every picture that is worked on."""
    waiting: int = 64
    """Requests under way; each holds its body in memory."""
    seconds: float = 30.0
    """Seconds from the end of a request to its answer."""
    body_seconds: float = 10.0
    """Seconds from the head of a request to the end of its body."""
