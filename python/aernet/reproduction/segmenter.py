"""A checkpoint as a segmenter in PyTorch: for any colour space, and for Otsu's threshold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import torch

from aernet._native import __version__
from aernet.models import ModelCard
from aernet.prediction import HostPrediction
from aernet.segmentation import Segmentation
from aernet.training.checkpoint import load_checkpoint
from aernet.training.colour import convert

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.arrays import HostImage


class CheckpointSegmenter:
    """Segments pictures with a network that cannot be exported, so that it can be evaluated.

    Args:
        path: checkpoint of a training run.
        otsu: whether each picture has its own threshold, after Otsu.

    Raises:
        SourceError: there is no such checkpoint.
    """

    def __init__(self, path: Path, *, otsu: bool = False) -> None:
        checkpoint = load_checkpoint(path)
        settings = checkpoint.settings
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = checkpoint.build().to(self._device)
        self._colour = settings.colour
        self._otsu = otsu
        self.threshold = checkpoint.threshold
        self.card = ModelCard(
            name=settings.name,
            version=__version__,
            size=settings.size,
            threshold=checkpoint.threshold,
            training_data="subset train",
            licence="not for distribution",
            metrics={},
            revision=str(path),
        )

    @torch.no_grad()
    def __call__(self, frame: HostImage) -> Segmentation[HostImage]:
        """Segment one frame, uint8 BGR, H x W x 3."""
        start = time.perf_counter()
        size = self.card.size
        # The exported models resize in the same way: by area where no side grows, and in float.
        interpolation = cv2.INTER_AREA if min(frame.shape[:2]) >= size else cv2.INTER_LINEAR
        small = cv2.resize(frame.astype(np.float32) / 255, (size, size), interpolation=interpolation)
        rgb = torch.from_numpy(np.ascontiguousarray(small[:, :, ::-1].transpose(2, 0, 1)))[None]
        logits = self._network(convert(rgb.to(self._device), self._colour))
        probability: npt.NDArray[np.float32] = torch.sigmoid(logits)[0, 0].cpu().numpy()
        threshold = otsu_threshold(probability) if self._otsu else self.threshold
        return Segmentation.of(frame, HostPrediction(frame, probability), threshold, start)


def otsu_threshold(probability: npt.NDArray[np.float32]) -> float:
    """Return the threshold that splits a map into the two most compact classes (Otsu 1979), in 256 levels."""
    levels = np.rint(probability * 255).astype(np.uint8)
    level, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return (level + 0.5) / 255
