"""Splits pictures into subsets for training, validation and testing that share no lesion."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, TextIO

from aernet.errors import SourceError
from aernet.pairs import read_column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path


def split(
    image_ids: Collection[str],
    same_lesion: Iterable[tuple[str, str]],
    *,
    validation: int,
    test: int,
    seed: int,
) -> dict[str, str]:
    """Return the subset of each picture, `train`, `val` or `test`, in order of the image ids.

    The same pictures, lesions and seed give the same subsets.

    Args:
        image_ids: the pictures.
        same_lesion: pairs of them that show the same lesion; the two go into one subset.
        validation: how many go into `val`; slightly fewer where a group of pictures does not fit.
        test: the same for `test`.
        seed: seed of the order in which the pictures are assigned.

    Raises:
        SourceError: a subset that is asked for, or that for training, would have no picture.
    """
    if validation + test >= len(image_ids):
        remedy = "ask for fewer" if len(image_ids) >= 3 else "three pictures are the fewest that can be split"
        raise SourceError(
            f"{validation} pictures for validation and {test} for testing leave none of {len(image_ids)}"
            f" to train on; {remedy}"
        )
    group_of = _groups(image_ids, same_lesion)
    room = {"test": test, "val": validation, "train": len(image_ids)}
    subset_of: dict[str, str] = {}
    dealt = sorted(image_ids)
    Random(seed).shuffle(dealt)  # noqa: S311 - not used for a secret
    for image_id in dealt:
        if image_id in subset_of:
            continue
        group = group_of[image_id]
        subset = next(name for name, places in room.items() if places >= len(group))
        room[subset] -= len(group)
        subset_of.update(dict.fromkeys(group, subset))
    groups = list({id(group_of[image_id]): group_of[image_id] for image_id in dealt}.values())
    for subset, places in (("val", validation), ("test", test)):
        if places and subset not in subset_of.values():
            subset_of.update(dict.fromkeys(_spare(groups, subset_of, subset, places), subset))
    return dict(sorted(subset_of.items()))


def usual_validation(count: int) -> int:
    """Return how many of `count` pictures are for validation unless told: a tenth, from 1 to 200."""
    return min(max(count // 10, 1), 200)


def usual_test(count: int) -> int:
    """Return how many of `count` pictures are for testing unless told: a fifth, from 1 to 500."""
    return min(max(count // 5, 1), 500)


def known_lesions(table: Path, image_ids: Collection[str]) -> list[tuple[str, str]]:
    """Return pairs of pictures that show the same lesion, from a CSV file with image_id and lesion_id.

    A picture whose lesion_id is empty, as many have in the ISIC archive, shows a lesion of its own.

    Raises:
        SourceError: the table cannot be read or lacks one of the pictures.
    """
    lesion_of = read_column(table, "lesion_id")
    if lacking := sorted(set(image_ids) - lesion_of.keys()):
        raise SourceError(f"{table}: lacks {len(lacking)} of {len(image_ids)} pictures, such as {lacking[0]}")
    of_lesion: dict[str, list[str]] = {}
    for image_id in image_ids:
        if lesion_of[image_id]:
            of_lesion.setdefault(lesion_of[image_id], []).append(image_id)
    return [pair for group in of_lesion.values() for pair in pairwise(group)]


def write_split(subset_of: dict[str, str], file: TextIO) -> None:
    """Write a CSV table with the columns image_id and subset."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("image_id", "subset"))
    writer.writerows(subset_of.items())


def _spare(groups: list[list[str]], subset_of: dict[str, str], subset: str, places: int) -> list[str]:
    """Return the smallest lesion that fits into an empty subset and leaves none empty."""
    lesions_in = Counter(subset_of[group[0]] for group in groups)
    spare = [group for group in groups if len(group) <= places and lesions_in[subset_of[group[0]]] > 1]
    if not spare:
        raise SourceError(
            f"no picture is left for {subset}, which is to have {places}: the pictures of one lesion stay"
            f" together, and the {len(subset_of)} pictures show too few lesions ({len(groups)}) of that size;"
            " ask for another size, or add pictures"
        )
    return min(spare, key=len)


def _groups(image_ids: Collection[str], same: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return for each picture all pictures that are linked to it, directly or through others."""
    group_of = {image_id: [image_id] for image_id in image_ids}
    for one, other in same:
        if group_of[one] is not group_of[other]:
            merged = group_of[one] + group_of[other]
            group_of.update(dict.fromkeys(merged, merged))
    return group_of
