"""Whether other users of the machine may change an engine: a plan is code, which runs as whoever loads it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def changeable_by_others(file: Path) -> Path | None:
    """Return what other users than root may change of a file and the folders above it; None if nothing.

    A folder with the sticky bit, such as /tmp, does not count, because there each user can change only what
    is their own. Where the system is not POSIX, nothing is known, and None is returned.

    Raises:
        OSError: it cannot be read.
    """
    if os.name != "posix":
        return None
    file = file.resolve()
    return next((path for path in (file, *file.parents) if _is_open(path.stat())), None)


def _is_open(status: os.stat_result) -> bool:
    if status.st_uid not in {0, os.geteuid()}:
        return True
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    by_group = status.st_mode & stat.S_IWGRP and status.st_gid != 0 and not _is_own_group(status.st_gid)
    return bool(by_group or status.st_mode & stat.S_IWOTH) and not sticky


def _is_own_group(group: int) -> bool:
    """Tell whether a group is that of this user alone, which many systems make by the user's name."""
    import grp  # noqa: PLC0415 - Windows has neither
    import pwd  # noqa: PLC0415

    try:
        found = grp.getgrgid(group)
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return found.gr_name == name and set(found.gr_mem) <= {name}
