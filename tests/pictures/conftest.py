from __future__ import annotations

import cv2
import numpy as np
import pytest


@pytest.fixture
def picture():
    """Smooth, so that JPEG keeps it, and different in every corner and channel."""
    y, x = np.mgrid[:40, :64].astype(np.float32)
    return np.stack([4 * x, 6 * y, 255 - 2 * x - 3 * y], axis=-1).astype(np.uint8)


@pytest.fixture
def skin(examples):
    """A real picture, 240 x 160."""
    return cv2.resize(cv2.imread(str(examples[0])), (240, 160), interpolation=cv2.INTER_AREA)
