"""Pairs of pictures and masks, held in memory at training size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from rich.progress import track

from aernet.data.sources import find_part
from aernet.pairs import Pair, find_pairs, read_split

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.training.colour import Colour

SPLIT = "isic2018_split.csv"
"""Name of the table that assigns pictures to the subsets train, val and test."""


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


def load_subset(data: Path, subset: str, size: int, colour: Colour = "cielab") -> Pictures:
    """Read one subset of the ISIC 2018 Task 1 pairs and resize them to `size` x `size`.

    `data` holds the official folders, or zip files with them, or else pictures and masks in any folders. It
    also holds `isic2018_split.csv`, a table with the columns image_id and subset.

    Raises:
        SourceError: a picture, a mask or the table is missing or unreadable, or the sizes of a pair differ.
    """
    pairs = subset_pairs(data, subset)
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


def subset_pairs(data: Path, subset: str) -> list[Pair]:
    """Return the pairs of one subset of a folder as `load_subset` takes it.

    Raises:
        SourceError: a picture, a mask or the table is missing or unreadable.
    """
    chosen = read_split(data / SPLIT, subset)
    images, masks = find_part(data, "Training") or (data, data)
    return find_pairs(images, masks, chosen)
