"""Why an input failed, and whether the others would fail too."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from aernet.archive.journal import JournalError
from aernet.errors import AernetError, OutputError, SourceError
from aernet.files import require_writable

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.archive.inputs import Input

# A full disk or quota, a disk that is read-only or broken.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS, errno.EIO}


def reason_of(item: Input, error: Exception) -> str:
    """Return why an input failed, in one sentence that names it."""
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{item.name}: takes more memory than there is"
    if isinstance(error, OSError):
        return f"{item.name}: cannot be read ({error.strerror})"
    if isinstance(error, OutputError) and getattr(error.__cause__, "errno", None) == errno.ENAMETOOLONG:
        return f"{item.name}: {error}; give it a shorter name"
    return str(error) if str(error).startswith(f"{item.name}: ") else f"{item.name}: {error}"


def concerns_all(item: Input, error: Exception, folder: Path) -> bool:
    """Tell whether the other inputs would fail too: nothing can be written, or the model's device fails."""
    if isinstance(error, JournalError):
        return True
    if isinstance(error, OutputError):
        if getattr(error.__cause__, "errno", None) in _FULL:
            return True
        try:
            require_writable(folder)
        except OutputError:
            return True
        return False
    # What else is wrong with a video, such as a missing PyAV, is none of the pictures' concern.
    return type(error) is AernetError and not item.is_video
