"""Finds everything that is wrong with a data set in one go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aernet.data.same_lesion import Appearance, appearance, find_same_lesions
from aernet.data.sources import find_sources
from aernet.errors import SourceError
from aernet.masks import looks_inverted
from aernet.pairs import MASK_ENDING, Pair, find_ids, find_pairs, read_column, require_one_size

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from rich.progress import Progress


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    kind: str
    """The kind of problem, such as "empty mask"."""
    image_ids: list[str]
    """The pictures that have the problem."""
    detail: str
    """The problem in one line."""


@dataclass(frozen=True)
class Report:
    """What was found in a data set."""

    image_ids: list[str]
    """The pictures that can be used: each has a mask of its size, which may be empty or full."""
    same_lesion: list[tuple[str, str]]
    """Pairs of them that show the same lesion, which is no problem within one subset."""
    problems: list[Problem]
    """Everything that is wrong."""


def check(data: Path, table: Path | None, progress: Progress, *, mask_ending: str = MASK_ENDING) -> Report:
    """Check every pair of a data set, and look for lesions that are in two subsets.

    Args:
        data: folder or zip file as `find_sources` takes it.
        table: CSV file with the columns image_id and subset; None if there are no subsets yet.
        progress: shows how much is done.
        mask_ending: what the name of a mask has behind its picture's.

    Raises:
        SourceError: there are no pictures or no masks at all, two files have one id, or the table cannot be
            read.
    """
    pairs, problems = _pair_up(data, mask_ending)
    subset_of = {} if table is None else read_column(table, "subset")
    unknown = subset_of.keys() - {pair.image_id for pair in pairs}
    problems += _problems("unknown id", unknown, f"in {table}, but no pair of {data}")
    appearances: dict[str, Appearance] = {}
    with ThreadPoolExecutor() as pool:
        looks = progress.track(pool.map(_look, pairs), total=len(pairs), description="Reading")
        for pair, (found, seen) in zip(pairs, looks, strict=True):
            problems += found
            if seen is not None:
                appearances[pair.image_id] = seen
    image_ids = list(appearances)
    likenesses = find_same_lesions(list(appearances.values()), progress)
    same = [(image_ids[one], image_ids[other]) for one, other in likenesses]
    for one, other in same:
        subsets = subset_of.get(one), subset_of.get(other)
        if None not in subsets and subsets[0] != subsets[1]:
            detail = f"{one} of {subsets[0]} and {other} of {subsets[1]} show one lesion"
            problems.append(Problem("lesion in two subsets", [one, other], detail))
    return Report(image_ids, same, problems)


def _problems(kind: str, image_ids: Collection[str], detail: str) -> list[Problem]:
    return [Problem(kind, [image_id], f"{image_id}: {detail}") for image_id in sorted(image_ids)]


def _pair_up(data: Path, mask_ending: str) -> tuple[list[Pair], list[Problem]]:
    """Return the pairs of a data set, and a problem for each picture or mask that is single."""
    pairs: list[Pair] = []
    problems: list[Problem] = []
    for images, masks in find_sources(data):
        pictures, truths = find_ids(images, masks, mask_ending)
        problems += _problems("no mask", pictures - truths, f"no mask in {masks}")
        problems += _problems("no picture", truths - pictures, f"no picture in {images}")
        pairs += find_pairs(images, masks, pictures & truths, mask_ending)
    return pairs, problems


def _look(pair: Pair) -> tuple[list[Problem], Appearance | None]:
    """Return what is wrong with a pair, and the appearance of its lesion if both files can be used."""
    problems: list[Problem] = []

    def note(kind: str, detail: str) -> None:
        problems.append(Problem(kind, [pair.image_id], detail))

    picture = mask = None
    try:
        picture = pair.image()
    except SourceError as error:
        note("unusable picture", str(error))
    try:
        mask = pair.mask()
    except SourceError as error:
        note("unusable mask", str(error))
    if mask is not None and not mask.any():
        note("empty mask", f"{pair.image_id}: the mask shows no lesion")
    if mask is not None and mask.all():
        note("full mask", f"{pair.image_id}: the mask shows no skin")
    if mask is not None and looks_inverted(mask):
        detail = "it shows lesion all around and skin inside; 0 is skin and 255 lesion"
        note("inverted mask", f"{pair.image_id}: {detail}")
    if picture is None or mask is None:
        return problems, None
    try:
        require_one_size(pair.image_id, picture, mask)
    except SourceError as error:
        note("unequal sizes", str(error))
        return problems, None
    return problems, appearance(picture, mask)
