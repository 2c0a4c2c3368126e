"""The names of the files that `segment` writes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from aernet.errors import AernetError, SourceError
from aernet.inputs import find_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK, OVERLAY, CONTOURS = "_mask.png", "_overlay.jpg", "_contours.json"
"""The endings of the names of outputs."""


def name_outputs(inputs: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return each picture of the inputs with the path of its outputs, which lacks their endings.

    An output has its picture's stem, and lies below `folder` as the picture lies below the input folder.
    Pictures that would share a name keep their suffix in it (`a.jpg_mask.png`). If they still share it
    (`x/a.jpg` and `y/a.jpg`), they also keep their path below the folder that contains all pictures. Names do
    not depend on the files that exist. Earlier outputs in an input folder do not count as pictures.

    Raises:
        SourceError: an input does not exist, or there is no picture.
        AernetError: an output would overwrite a picture.
    """
    relative = _relative_paths(inputs, folder)
    if not relative:
        raise SourceError(f"{inputs[0]}: the folder holds no picture but earlier outputs")
    absolute = {picture: picture.parent.resolve() / picture.name for picture in relative}
    common = os.path.commonpath([path.parent for path in absolute.values()])
    names = _unique_names(
        {
            picture: [path.with_suffix(""), path, absolute[picture].relative_to(common)]
            for picture, path in relative.items()
        }
    )
    outputs = {picture: folder / name for picture, name in names.items()}
    pictures = set(absolute.values())
    for picture, output in outputs.items():
        mask = with_ending(output, MASK)
        if mask.parent.resolve() / mask.name in pictures:
            raise AernetError(
                f"{mask}: is a picture to segment, but also the mask of {picture}; choose another --output"
            )
    return outputs


def with_ending(output: Path, ending: str) -> Path:
    """Return the path of one output: `a_mask.png` for `a` and `_mask.png`."""
    return output.with_name(output.name + ending)


def _relative_paths(inputs: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return each picture once, with its path below the input that it comes from."""
    found: dict[Path, tuple[Path, Path]] = {}
    for source in inputs:
        for picture in find_pictures([source]):
            parent = picture.parent.resolve()
            earlier = parent.is_relative_to(folder.resolve()) and picture.name.endswith((MASK, OVERLAY))
            if not (source.is_dir() and earlier):
                below = picture.relative_to(source) if source.is_dir() else Path(picture.name)
                found.setdefault(parent / picture.name, (picture, below))
    return dict(found.values())


def _unique_names(choices: dict[Path, list[Path]]) -> dict[Path, Path]:
    """Give each picture the first of its names that no other picture has; the last names must differ."""
    while True:
        taken = Counter(name for name, *_ in choices.values())
        unsettled = {
            picture: later for picture, (name, *later) in choices.items() if taken[name] > 1 and later
        }
        if not unsettled:
            return {picture: name for picture, (name, *_) in choices.items()}
        choices |= unsettled
