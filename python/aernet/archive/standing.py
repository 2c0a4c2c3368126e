"""Whether an input is done already, and if not, why it has to be done again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aernet.archive.inputs import STDIN
from aernet.archive.journal import JOURNAL, Source
from aernet.errors import SourceError
from aernet.files import changed_ns, sha256_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aernet.archive.inputs import Input
    from aernet.archive.journal import Entry

_CHOOSE = "choose another --output, or --overwrite"
UNKNOWN = f"exists already, and {JOURNAL} does not say what it is of; {_CHOOSE}"
"""What is wrong with an output that no earlier run has written."""


@dataclass(frozen=True)
class Again:
    """That an input has to be segmented."""

    reason: str = ""
    """Why it is not enough that an earlier run did so; empty if none did, or if nobody cares."""
    others_too: bool = True
    """Whether other outputs of it, which are not asked for now, would not go with the new ones."""


def why_again(
    item: Input,
    path: Path | None,
    files: Mapping[str, Path],
    entry: Entry | None,
    settings: Mapping[str, Any],
    kinds: Collection[str],
) -> Again | None:
    """Return why an input has to be segmented; None if it is done.

    Args:
        item: the input.
        path: the file with its content; None for one from the web, which is known by its address.
        files: all files that it is to have, by their kinds.
        entry: what the journal says of it.
        settings: how its outputs are to be made.
        kinds: all that is to be written of it.

    Raises:
        SourceError: an output is there, and is not known to be this input's.
        OSError: the input cannot be read.
    """
    there = [file for file in files.values() if _is_there(file)]
    ours = entry.kinds if entry else ()
    if unknown := [file for kind, file in files.items() if kind not in ours and file in there]:
        raise SourceError(f"{item.name}: {unknown[0]} {UNKNOWN}")
    if entry is None:
        return Again()
    changed = not _is_same(item, path, entry.source)
    if changed and there and (item.address == STDIN or entry.source.name != source_name(item)):
        kind = "video" if item.is_video else "picture"
        raise SourceError(f"{item.name}: {there[0]} is of another {kind}, {entry.source.name}; {_CHOOSE}")
    if not entry.done:
        return Again(others_too=changed or entry.settings != settings)
    return Again("its content has changed") if changed else _outdated(item, files, entry, settings, kinds)


def _outdated(
    item: Input,
    files: Mapping[str, Path],
    entry: Entry,
    settings: Mapping[str, Any],
    kinds: Collection[str],
) -> Again | None:
    """Return why the outputs of the same input do not serve; None if they do."""
    for setting, value in settings.items():
        if entry.settings.get(setting) != value:
            return Again(f"{setting} was {entry.settings.get(setting)}, is now {value}")
    if lacking := sorted(set(kinds) - entry.kinds):
        return Again(f"{' and '.join(lacking)} had not been asked for", others_too=False)
    lacks_masks = item.is_video and _lacks_masks(files["masks"], entry.facts)
    if lacks_masks or not all(map(_is_there, files.values())):
        return Again("outputs were no longer there", others_too=False)
    return None


def source_of(item: Input, path: Path) -> Source:
    """Return what an input is known by.

    Args:
        item: the input.
        path: the file with its content.

    Raises:
        OSError: it cannot be read.
    """
    if item.is_from_the_web:
        return Source(source_name(item), None, None, None)
    status = path.stat()
    return Source(source_name(item), status.st_size, changed_ns(status), _content(path))


def source_name(item: Input) -> str:
    """Return the path of an input without links, or its address."""
    return item.name if item.address else str(Path(item.name).resolve())


def _is_same(item: Input, path: Path | None, source: Source) -> bool:
    """Tell whether an input is the one that the journal knows."""
    if path is None:
        return item.name == source.name
    status = path.stat()
    found = (source_name(item), status.st_size, changed_ns(status))
    if found == (source.name, source.size, source.changed_ns):
        return True
    return status.st_size == source.size and _content(path) == source.content


def _content(path: Path) -> str:
    return f"sha256 {sha256_of(path)}"


def _is_there(file: Path) -> bool:
    """Tell whether an output is there; an empty file is what a failure of power may leave of one."""
    try:
        return file.stat().st_size > 0
    except OSError:  # such as a name that is too long, which writing will tell
        return False


def _lacks_masks(folder: Path, facts: Mapping[str, Any]) -> bool:
    return sum(_is_there(mask) for mask in folder.glob("[0-9]*.png")) != facts.get("frames")
