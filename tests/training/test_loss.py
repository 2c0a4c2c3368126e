from __future__ import annotations

import numpy as np
import pytest
import torch

from aernet.training.loss import dice_loss, segmentation_loss


def test_dice_is_equation_1():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, 1, 5, 7))
    mask = generator.integers(0, 2, (3, 1, 5, 7)).astype(float)
    probability = 1 / (1 + np.exp(-logits))
    expected = np.mean(
        [
            1 - 2 * (p * g).sum() / ((p**2).sum() + (g**2).sum())
            for p, g in zip(probability, mask, strict=True)
        ]
    )
    assert dice_loss(torch.tensor(logits), torch.tensor(mask)).item() == pytest.approx(expected)


def test_a_perfect_mask_costs_nothing_and_its_complement_everything():
    mask = (torch.rand(2, 1, 8, 8) > 0.5).float()
    assert dice_loss((mask - 0.5) * 100, mask).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss((0.5 - mask) * 100, mask).item() == pytest.approx(1, abs=1e-6)


def test_an_empty_mask_gives_a_finite_gradient():
    logits = torch.full((1, 1, 4, 4), -200.0, requires_grad=True)
    segmentation_loss("dice+bce", logits, torch.zeros(1, 1, 4, 4)).backward()
    assert torch.isfinite(logits.grad).all()


def test_cross_entropy_is_added_by_half():
    logits, mask = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    added = segmentation_loss("dice+bce", logits, mask) - segmentation_loss("dice", logits, mask)
    assert added.item() == pytest.approx(np.log(2) / 2)
