"""Pictures with their experts' masks, in folders or zip files, in the naming of the ISIC challenges."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from aernet.containers import Zip, open_container
from aernet.errors import SourceError
from aernet.masks import decode_mask
from aernet.pictures import PICTURE_SUFFIXES, decode_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from aernet.arrays import HostImage
    from aernet.containers import Container


# ISIC 2018 writes `_segmentation`, 2016 and 2017 `_Segmentation`.
MASK_ENDING = "_segmentation"
"""What the name of a mask has behind its picture's; upper and lower case are the same."""
_SUPERPIXELS_ENDING = "_superpixels"


@dataclass(frozen=True)
class Pair:
    """One picture with its expert's mask; both are read on demand, from any thread."""

    image_id: str
    """The picture's name without its ending, as in the challenge's tables: `ISIC_0000000`."""

    _images: Container
    _image_name: str
    _masks: Container
    _mask_name: str

    def image(self) -> HostImage:
        """Read the picture: uint8 BGR, H x W x 3.

        Raises:
            SourceError: the file is not a whole 8-bit picture.
        """
        name = f"{self._images.path}/{self._image_name}"
        return decode_picture(self._images.data(self._image_name), name)

    def mask(self) -> HostImage:
        """Read the mask, uint8, H x W, 255 for lesion and 0 for skin; see `decode_mask`.

        Raises:
            SourceError: the file is not a mask.
        """
        return decode_mask(self._masks.data(self._mask_name), f"{self._masks.path}/{self._mask_name}")

    def read(self) -> tuple[HostImage, HostImage]:
        """Read the picture and the mask.

        Raises:
            SourceError: one of them cannot be used, or they differ in size.
        """
        image, mask = self.image(), self.mask()
        require_one_size(self.image_id, image, mask)
        return image, mask


def require_one_size(image_id: str, image: HostImage, mask: HostImage) -> None:
    """Raise SourceError if a picture and its mask differ in size."""
    if image.shape[:2] != mask.shape:
        raise SourceError(
            f"{image_id}: the picture has {image.shape[1]} x {image.shape[0]} pixels, "
            f"its mask {mask.shape[1]} x {mask.shape[0]}; both must be of one size"
        )


def find_pairs(
    images: Path,
    masks: Path,
    image_ids: Collection[str] | None = None,
    mask_ending: str = MASK_ENDING,
) -> list[Pair]:
    """Pair each picture of `images` with `<image_id>_segmentation.png` of `masks`, sorted by `image_id`.

    Args:
        images: a folder, searched recursively, or a zip file.
        masks: the same; may be the same folder or zip file as `images`.
        image_ids: the ids to pair, each of which must have a picture and a mask; None takes all ids, and then
            each picture must have a mask and each mask a picture.
        mask_ending: what the name of a mask has behind its picture's, instead of `_segmentation`.

    Raises:
        SourceError: a folder or zip file is missing or unreadable, holds no picture or mask, has two files
            for one id, or lacks a picture or a mask.
    """
    image_source, mask_source = open_container(images), open_container(masks)
    image_names = _pictures(image_source, mask_ending)
    mask_names = expert_masks(mask_source, mask_ending)
    wanted = image_names.keys() | mask_names.keys() if image_ids is None else frozenset(image_ids)
    require_all(wanted, image_names, f"no picture in {images} for")
    require_all(wanted, mask_names, f"no mask <picture>{mask_ending}.png in {masks} for")
    return [
        Pair(image_id, image_source, image_names[image_id], mask_source, mask_names[image_id])
        for image_id in sorted(wanted)
    ]


def find_ids(
    images: Path, masks: Path, mask_ending: str = MASK_ENDING
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the image ids of the pictures in `images`, and those of the masks in `masks`, paired or not.

    Raises:
        SourceError: as `find_pairs`, but a picture or mask may lack its counterpart.
    """
    return (
        frozenset(_pictures(open_container(images), mask_ending)),
        frozenset(expert_masks(open_container(masks), mask_ending)),
    )


def find_official(data: Path, name: str) -> Path | None:
    """Return the folder `name` of `data`, or the zip file of `data` that holds it; None if there is neither.

    Raises:
        SourceError: there is no such folder, and a zip file of `data` cannot be used: it is not whole, is
            encrypted, or has names that lead out of it.
    """
    if (data / name).is_dir():
        return data / name
    archives = [path for path in sorted(data.glob("*.zip")) if path.is_file() and path.name[0] != "."]
    for archive, names in [(path, Zip(path).names()) for path in archives]:
        if any(entry.startswith(f"{name}/") for entry in names):
            return archive
    return None


def read_split(table: Path, subset: str) -> frozenset[str]:
    """Read the image ids of one subset from a CSV file with the columns `image_id` and `subset`.

    Raises:
        SourceError: as `read_column`, or the table has no such subset.
    """
    subset_of = read_column(table, "subset")
    image_ids = frozenset(image_id for image_id, its_subset in subset_of.items() if its_subset == subset)
    if not image_ids:
        known = ", ".join(sorted({str(name) for name in subset_of.values()}))
        raise SourceError(f"{table}: no subset {subset!r}; the subsets are {known or 'none'}")
    return image_ids


def read_column(table: Path, column: str) -> dict[str, str]:
    """Read one column of a CSV file by image id; the column `image_id` holds the ids.

    Raises:
        SourceError: the file is unreadable, lacks a column, has a shorter row, or lists an image twice.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = list(reader)
    except OSError as error:
        raise SourceError(f"{table}: cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{table}: not a CSV table ({error})") from error
    for name in ("image_id", column):
        if name not in columns:
            raise SourceError(f"{table}: no column {name!r}; the columns are {', '.join(columns) or 'none'}")
    values: dict[str, str] = {}
    for row in rows:
        if row[column] is None or row["image_id"] is None:
            raise SourceError(
                f"{table}: the row {','.join(filter(None, row.values()))!r} has too few columns for {column}"
            )
        if row["image_id"] in values:
            raise SourceError(f"{table}: {row['image_id']} is listed twice; each image has one {column}")
        values[row["image_id"]] = row[column]
    return values


def mask_id(name: PurePosixPath, mask_ending: str = MASK_ENDING) -> str | None:
    """Return the image id of an expert's mask; None if a file of this name is none."""
    is_mask = name.suffix.lower() == ".png" and name.stem.lower().endswith(mask_ending.lower())
    return name.stem[: len(name.stem) - len(mask_ending)] if is_mask else None


def expert_masks(source: Container, mask_ending: str = MASK_ENDING) -> dict[str, str]:
    """Return the names of experts' masks by image id.

    Raises:
        SourceError: there is none, or there are two for one id.
    """
    kind = f"mask named <picture>{mask_ending}.png; --mask-suffix takes another ending"
    return names_by_image_id(source, lambda name: mask_id(name, mask_ending), kind)


def _pictures(source: Container, mask_ending: str) -> dict[str, str]:
    """Return the names of the pictures by image id."""

    def image_id_of(name: PurePosixPath) -> str | None:
        others = (mask_ending.lower(), _SUPERPIXELS_ENDING) if mask_ending else _SUPERPIXELS_ENDING
        is_other = name.stem.lower().endswith(others)
        return name.stem if name.suffix.lower() in PICTURE_SUFFIXES and not is_other else None

    return names_by_image_id(source, image_id_of, "picture")


def names_by_image_id(
    source: Container, image_id_of: Callable[[PurePosixPath], str | None], kind: str
) -> dict[str, str]:
    """Return the names of the files of one kind by their image ids.

    Args:
        source: a folder or zip file.
        image_id_of: returns the image id that a name stands for; None for a file of another kind.
        kind: the kind of file in errors.

    Raises:
        SourceError: there is no such file, or there are two for one id.
    """
    names: dict[str, str] = {}
    for name in sorted(source.names()):
        path = PurePosixPath(name)
        image_id = image_id_of(path)
        if image_id is None or any(part.startswith((".", "__MACOSX")) for part in path.parts):
            continue
        if image_id in names:
            raise SourceError(
                f"{source.path}: two files for {image_id}: {names[image_id]} and {name}; keep one"
            )
        names[image_id] = name
    if not names:
        raise SourceError(f"{source.path}: holds no {kind}")
    return names


def require_all(wanted: Collection[str], found: Collection[str], message: str) -> None:
    """Raise SourceError with this message if some of the wanted ids were not found."""
    lacking = sorted(set(wanted).difference(found))
    if lacking:
        examples = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
        raise SourceError(f"{message} {len(lacking)} of {len(wanted)} images: {examples}")
