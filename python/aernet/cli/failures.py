"""The one line that is said of an error."""

from __future__ import annotations

from aernet import remedies
from aernet.errors import AernetError

# What the loader of libraries, Python's threads and OpenCV say where memory lacks, without a MemoryError.
_OF_MEMORY = (
    "failed to map segment",
    "Cannot allocate memory",
    "can't start new thread",
    "bad_alloc",
    "Insufficient memory",
)


def sentence(error: Exception) -> str:
    """Return what went wrong and what to do, in one line."""
    if isinstance(error, AernetError):
        text = str(error)
    elif isinstance(error, ImportError) and (remedy := remedies.extra_for(error)):
        text = remedy
    elif isinstance(error, MemoryError) or any(sign in str(error) for sign in _OF_MEMORY):
        text = "the memory does not suffice; end other programs, or give smaller pictures or batches"
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        found = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text = f"a fault in aernet-trt itself ({found}); --debug shows where"
    return " ".join(text.split())
