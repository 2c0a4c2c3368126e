"""Distillation: a network learns masks halfway between the experts' and its teachers' predictions."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import cv2
import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from aernet.errors import SourceError
from aernet.files import replacing
from aernet.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aernet.arrays import HostImage
    from aernet.training.dataset import Pictures


def distilled(pictures: Pictures, teachers: Sequence[Path]) -> Pictures:
    """Return the pictures with masks halfway between their own and the teachers' mean prediction.

    An expert's border is one opinion; the mean of several trained networks also tells where experts differ
    (Hinton, Vinyals and Dean 2015). Each teacher sees the picture and its three mirror images.

    Raises:
        ModelError: a teacher is not a model of this package.
    """
    total = np.zeros(pictures.mask.shape, np.float32)
    for teacher in teachers:
        with Segmenter(teacher, colour="rgb") as segmenter:
            for index in track(range(len(pictures)), f"Asking {teacher.name}"):
                total[index, 0] += _probability(segmenter, pictures.rgb[index].numpy().transpose(1, 2, 0))
    predicted = torch.from_numpy(255 * total / len(teachers))
    return replace(pictures, mask=((pictures.mask + predicted) / 2).round().to(torch.uint8))


def _probability(segmenter: Segmenter, picture: HostImage) -> npt.NDArray[np.float32]:
    """Return the mean probability map over the mirror images: float32, of the picture's size."""
    mirrors = ((), (0,), (1,), (0, 1))
    maps = [np.flip(segmenter(np.flip(picture, axes)).probability, axes) for axes in mirrors]
    height, width, _ = picture.shape
    return cv2.resize(np.mean(maps, axis=0), (width, height)).astype(np.float32, copy=False)


def save_masks(pictures: Pictures, path: Path) -> None:
    """Write the masks, so that a resumed run does not need its teachers again.

    Raises:
        AernetError: `path` cannot be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, mask=pictures.mask.numpy())


def load_masks(pictures: Pictures, path: Path) -> Pictures:
    """Return the pictures with the masks that `save_masks` wrote.

    Raises:
        SourceError: the masks are missing or cannot be read, or do not fit these pictures.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            mask = torch.from_numpy(stored["mask"])
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, zlib.error) as error:
        raise SourceError(
            f"{path}: cannot be read as the masks that the run learns ({type(error).__name__}); start the run"
            " again, with another folder for --output"
        ) from error
    if mask.shape != pictures.mask.shape:
        raise SourceError(
            f"{path}: holds masks of {tuple(mask.shape)}, the pictures want {tuple(pictures.mask.shape)};"
            " resume with the data that the run was started with"
        )
    return replace(pictures, mask=mask)
