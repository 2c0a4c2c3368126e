"""Where the pictures and the masks of a data set lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.errors import SourceError
from aernet.pairs import find_official

if TYPE_CHECKING:
    from pathlib import Path

_TABLES = ("isic2018_split.csv", "split.csv")


def find_sources(data: Path) -> list[tuple[Path, Path]]:
    """Return the places of pictures and masks, as `find_pairs` takes them.

    A folder with official parts of ISIC 2018 Task 1 (training, validation, test; folders or zip files) has
    one pair of places for each of them. Any other folder, or a zip file, holds both pictures and masks.

    Raises:
        SourceError: `data` does not exist, or an official part has pictures without masks, or the reverse.
    """
    places = [find_part(data, part) for part in ("Training", "Validation", "Test")]
    return list(dict.fromkeys(filter(None, places))) or [(data, data)]


def find_part(data: Path, part: str) -> tuple[Path, Path] | None:
    """Return the places of pictures and masks of an official part; None if there is no such part.

    Args:
        data: folder with the official folders or zip files.
        part: "Training", "Validation" or "Test".

    Raises:
        SourceError: `data` does not exist, or the part has pictures without masks, or the reverse.
    """
    names = f"ISIC2018_Task1-2_{part}_Input", f"ISIC2018_Task1_{part}_GroundTruth"
    images, masks = (find_official(data, name) for name in names)
    if images and masks:
        return images, masks
    if images or masks:
        there, lacking = names if images else reversed(names)
        raise SourceError(f"{data}: holds {there}, but neither the folder {lacking} nor a zip file with it")
    return None


def find_table(data: Path) -> Path | None:
    """Return a folder's table of subsets, `isic2018_split.csv` or else `split.csv`, or None."""
    return next((data / name for name in _TABLES if (data / name).is_file()), None)


def require_table(data: Path) -> Path:
    """Return what `find_table` finds.

    Raises:
        SourceError: there is no table.
    """
    table = find_table(data)
    if table is None:
        raise SourceError(
            f"{data}: holds no table of subsets, {' or '.join(_TABLES)}; `aernet-trt data split` writes one,"
            " and `train --split` takes one from elsewhere"
        )
    return table
