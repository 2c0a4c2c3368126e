from __future__ import annotations

import io

import numpy as np
import pytest
from odd_masks import MASKS
from PIL import Image

from aernet.errors import FrameError
from aernet.exchange import to_cutout


def test_pillow_gives_back_the_lesion_and_the_mask(mask):
    picture = np.random.default_rng(2).integers(0, 256, (*mask.shape, 3)).astype(np.uint8)
    with Image.open(io.BytesIO(to_cutout(picture, mask))) as file:
        assert file.mode == "RGBA"
        cut = np.asarray(file)
    np.testing.assert_array_equal(cut[..., 3], mask)
    np.testing.assert_array_equal(cut[mask > 0, :3], picture[mask > 0, ::-1])
    assert not cut[mask == 0].any()


@pytest.mark.parametrize("picture", [np.zeros((3, 3, 3), np.uint8), np.zeros((120, 150), np.uint8)])
def test_a_picture_of_another_size_is_refused(picture):
    with pytest.raises(FrameError, match="120 x 150 x 3, got uint8"):
        to_cutout(picture, MASKS["blob"])
