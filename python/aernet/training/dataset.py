"""Pairs of pictures and masks, held in memory at training size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from rich.progress import track

from aernet.data.sources import find_part, require_table
from aernet.pairs import MASK_ENDING, Pair, find_pairs, read_split

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.training.colour import Colour


@dataclass(frozen=True)
class Pictures:
    """Pictures and masks of one subset."""

    image_ids: list[str]
    """Names of the pictures, in the order of the tensors."""
    rgb: torch.Tensor
    """N x 3 x S x S uint8, channel order R, G, B."""
    mask: torch.Tensor
    """N x 1 x S x S uint8, 0 to 255: gray where a pixel covers both lesion and skin after shrinking."""
    colour: Colour = "cielab"
    """Colour space in which a network sees them."""

    def __len__(self) -> int:
        return len(self.image_ids)

    def batch(self, indices: torch.Tensor, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pictures and masks as float32 in [0, 1] on `device`."""
        rgb = self.rgb[indices].to(device, non_blocking=True).float() / 255
        mask = self.mask[indices].to(device, non_blocking=True).float() / 255
        return rgb, mask


def load_subset(
    data: Path,
    subset: str,
    size: int,
    colour: Colour = "cielab",
    *,
    table: Path | None = None,
    mask_ending: str = MASK_ENDING,
) -> Pictures:
    """Read the pairs of one subset and resize them to `size` x `size`.

    Args:
        data: folder with the official folders of ISIC 2018 Task 1, or zip files with them; or else a folder
            or zip file with pictures and masks, in any folders.
        subset: the subset to read.
        size: side of the pictures, in pixels.
        colour: colour space in which a network sees them.
        table: CSV file with the columns image_id and subset; None takes that of `data` (see `find_table`).
        mask_ending: what the name of a mask has behind its picture's.

    Raises:
        SourceError: a picture, a mask or the table is missing or unreadable, or the sizes of a pair differ.
    """
    pairs = subset_pairs(data, subset, table=table, mask_ending=mask_ending)
    rgb = torch.empty(len(pairs), 3, size, size, dtype=torch.uint8)
    mask = torch.empty(len(pairs), 1, size, size, dtype=torch.uint8)

    def read(index: int) -> None:
        pair = pairs[index].read()
        interpolation = cv2.INTER_AREA if min(pair[1].shape) >= size else cv2.INTER_LINEAR
        picture, truth = (cv2.resize(part, (size, size), interpolation=interpolation) for part in pair)
        rgb[index] = torch.from_numpy(np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1)))
        mask[index, 0] = torch.from_numpy(truth)

    with ThreadPoolExecutor() as pool:
        for _ in track(pool.map(read, range(len(pairs))), f"Reading {subset}", total=len(pairs)):
            pass
    return Pictures([pair.image_id for pair in pairs], rgb, mask, colour)


def subset_pairs(
    data: Path, subset: str, *, table: Path | None = None, mask_ending: str = MASK_ENDING
) -> list[Pair]:
    """Return the pairs of one subset; the arguments are those of `load_subset`.

    Raises:
        SourceError: a picture, a mask or the table is missing or unreadable.
    """
    chosen = read_split(table or require_table(data), subset)
    images, masks = find_part(data, "Training") or (data, data)
    return find_pairs(images, masks, chosen, mask_ending)
