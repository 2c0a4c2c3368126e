from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from aernet.models import ModelCard
from aernet.pairs import find_pairs
from aernet.segmentation import Segmentation

ROOT = Path(__file__).parents[2]


class DarkIsLesion:
    """A segmenter that any reader can check: lesion is what Otsu's threshold finds dark."""

    card = ModelCard("otsu", "1.0", 256, 0.5, "none", "Apache-2.0", {}, "abc1234")
    threshold = 0.5

    def __call__(self, frame):
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        _, mask = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
        return Segmentation(frame, mask, np.zeros((256, 256), np.float32), self.threshold, 1.0)


@pytest.fixture
def segmenter():
    return DarkIsLesion()


@pytest.fixture
def pairs():
    return find_pairs(ROOT / "examples", ROOT / "python/aernet/video/masks")
