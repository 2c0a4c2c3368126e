"""The names of the files that are written."""

from __future__ import annotations

import hashlib
import os
import tempfile
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aernet.archive.journal import JOURNAL
from aernet.archive.kinds import KINDS, VIDEO_ENDINGS
from aernet.errors import AernetError
from aernet.result_files import FIGURE, MEASUREMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from aernet.archive.inputs import Input

_PICTURE_ENDINGS = {name: kind.ending for name, kind in KINDS.items() if kind.join is None}
OF_THE_RUN = {name: kind.ending for name, kind in KINDS.items() if kind.join is not None}
"""The names of the files of the whole run, by their kinds."""
# `measure` and `Segmentation.save` write the last two.
_ENDINGS = (*_PICTURE_ENDINGS.values(), *VIDEO_ENDINGS.values(), FIGURE, MEASUREMENTS)


def is_earlier_output(path: Path, folder: Path) -> bool:
    """Tell whether a file within the output folder has the name of an output, or is the journal."""
    named = input_of(path) is not None or path.name in {JOURNAL, *OF_THE_RUN.values()}
    return named and path.parent.resolve().is_relative_to(folder.resolve())


def input_of(path: Path) -> str | None:
    """Return the name of the input, with or without its suffix, that an output of this name has.

    None if no output has such a name.
    """
    for ending in _ENDINGS:
        if path.name.endswith(ending):
            return path.name.removesuffix(ending)
    folder, ending = path.parent.name, VIDEO_ENDINGS["masks"]
    return folder.removesuffix(ending) if folder.endswith(ending) else None


def files_of(item: Input, output: Path) -> dict[str, Path]:
    """Return the paths of all outputs that an input may have, by their kinds."""
    endings = VIDEO_ENDINGS if item.is_video else _PICTURE_ENDINGS
    return {kind: output.with_name(output.name + ending) for kind, ending in endings.items()}


def name_outputs(inputs: Sequence[Input], folder: Path) -> dict[Input, Path]:
    """Return each input with the path of its outputs, which lacks their endings.

    An output has its input's name without suffix, and lies below `folder` as the input lies below the folder
    that was given. Where outputs would share a name, all of them keep the suffix in it (`a.jpg_mask.png` and
    `a.png_mask.png`); if that does not tell them apart (`x/a.jpg` and `y/a.jpg`), all lie below `folder` as
    their inputs lie below the folder that contains all inputs (`x/a_mask.png`). Names depend neither on the
    order of the inputs nor on the files that exist. A picture and a video share no output.

    Raises:
        AernetError: two inputs differ only in capital and small letters or in the form of their accents, and
            `folder` takes the two for one; or an output would overwrite an input.
    """
    outputs = _unique_names(inputs, str)
    alike = len({(item.is_video, _folded(str(name))) for item, name in outputs.items()}) < len(outputs)
    if alike and _takes_capitals_for_small(folder):
        outputs = _unique_names(inputs, _folded)
        _require_unique(outputs, folder)
    named = {item: folder / name for item, name in outputs.items()}
    _require_inputs_kept(named)
    return named


def _candidates(inputs: Sequence[Input]) -> dict[Input, list[Path]]:
    """Return for each input the names that its outputs may have, the best first."""
    roots = [item.root for item in inputs if not item.address]
    try:
        common = os.path.commonpath(roots)
    except ValueError:  # no file at all, or files on several drives
        common = ""
    choices = {}
    for item in inputs:
        place = item.root.relative_to(item.root.anchor if item.address or not common else common)
        stem = item.below.with_suffix("")
        choices[item] = [stem, item.below]
        if place.parts:
            choices[item] += [place / stem, place / item.below]
        if item.is_from_the_web:  # addresses may differ in what is no path, such as a query
            digest = hashlib.sha256(item.address.encode()).hexdigest()[:12]
            choices[item].append(place / f"{stem}-{digest}")
    return choices


def _unique_names(inputs: Sequence[Input], fold: Callable[[str], str]) -> dict[Input, Path]:
    """Give each input the first of its names that no other input of its kind has."""
    choices = _candidates(inputs)
    while True:
        taken = Counter((item.is_video, fold(str(names[0]))) for item, names in choices.items())
        unsettled = {
            item: later
            for item, (name, *later) in choices.items()
            if later and taken[item.is_video, fold(str(name))] > 1
        }
        if not unsettled:
            return {item: names[0] for item, names in choices.items()}
        choices |= unsettled


def _folded(name: str) -> str:
    """Return what a file system keeps of a name that tells neither capitals nor forms of accents apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _takes_capitals_for_small(folder: Path) -> bool:
    while not folder.is_dir():
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".aernet-") as file:
            return (folder / Path(file.name).name.swapcase()).exists()
    except OSError:
        return False  # nothing can be written there; that is told when it is tried


def _require_unique(outputs: dict[Input, Path], folder: Path) -> None:
    first: dict[tuple[bool, str], Input] = {}
    for item, name in outputs.items():
        other = first.setdefault((item.is_video, _folded(str(name))), item)
        if other is not item:
            raise AernetError(
                f"{other.name} and {item.name}: {folder} takes the names of their outputs for one;"
                " rename one of them, or choose an --output on another disk"
            )


def _require_inputs_kept(outputs: dict[Input, Path]) -> None:
    """Raise AernetError if an output is an input, or a folder of masks holds one."""
    inputs = {Path(item.name).resolve() for item in outputs if not item.address}
    folders = {path.parent for path in inputs}
    resolved = cache(Path.resolve)  # most outputs share their folder
    for item, output in outputs.items():
        for kind, file in files_of(item, output).items():
            place = resolved(file.parent) / file.name
            if place in inputs or (kind == "masks" and place in folders):
                raise AernetError(
                    f"{file}: is an input, but would be overwritten by the {kind} of {item.name};"
                    " choose another --output"
                )


def require_apart(outputs: dict[Input, Path], folder: Path, kinds: Collection[str]) -> None:
    """Raise AernetError if the file of an input would be called like one of the whole run."""
    of_the_run = {folder / OF_THE_RUN[kind] for kind in OF_THE_RUN.keys() & set(kinds)}
    for item, output in outputs.items() if of_the_run else ():
        for kind, file in files_of(item, output).items():
            if kind in kinds and file in of_the_run:
                raise AernetError(
                    f"{file}: would be the file of {item.name} and that of the whole run; rename the input"
                )
