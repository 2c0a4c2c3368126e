from __future__ import annotations

import torch

from aernet.training.augment import Augmentation


def disc(size=128):
    line = torch.linspace(-1, 1, size)
    return (torch.hypot(line[:, None] - 0.2, line[None, :] * 1.5) < 0.5).float()[None, None]


def test_the_mask_moves_with_the_picture():
    mask = disc().repeat(32, 1, 1, 1)
    rgb = (0.8 - 0.6 * mask).expand(-1, 3, -1, -1)
    moved, moved_mask = Augmentation(0)(rgb, mask)
    in_step = 0
    for picture, truth in zip(moved.mean(1), moved_mask[:, 0], strict=True):
        inside, outside = picture[truth > 0.95], picture[truth < 0.05]
        assert len(inside) > 20
        in_step += bool(inside.median() < outside.median() - 0.1)
    assert in_step >= 30  # dense hair hides the rest


def test_hair_grows_on_some_pictures_as_thin_lines():
    cover = Augmentation(0)._hair_cover(torch.zeros(64, 3, 128, 128))
    share = cover.mean((1, 2, 3))
    assert 10 <= (share > 0).sum() <= 30
    assert share.max() < 0.25


def test_each_picture_changes_in_its_own_way_and_a_seed_repeats_it():
    rgb, mask = torch.rand(1, 3, 32, 32).repeat(4, 1, 1, 1), disc(32).repeat(4, 1, 1, 1)
    first, first_mask = Augmentation(7)(rgb, mask)
    again, again_mask = Augmentation(7)(rgb, mask)
    assert torch.equal(first, again)
    assert torch.equal(first_mask, again_mask)
    assert len({tuple(picture.flatten().tolist()) for picture in first}) == 4
    assert not torch.equal(first, Augmentation(8)(rgb, mask)[0])


def test_values_stay_in_range():
    rgb = torch.cat([torch.zeros(8, 3, 32, 32), torch.ones(8, 3, 32, 32), torch.rand(16, 3, 32, 32)])
    moved, moved_mask = Augmentation(3)(rgb, disc(32).repeat(32, 1, 1, 1))
    for values in (moved, moved_mask):
        assert values.min() >= 0
        assert values.max() <= 1
