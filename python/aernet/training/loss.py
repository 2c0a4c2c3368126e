"""Loss functions that take logits."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

LossName = Literal["dice", "dice+bce"]


def dice_loss(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean over pictures of 1 - 2 sum(p g) / (sum(p^2) + sum(g^2)) (paper, equation 1).

    Args:
        logits: N x 1 x H x W.
        mask: N x 1 x H x W, in [0, 1].
    """
    probability = torch.sigmoid(logits).flatten(1)
    truth = mask.flatten(1)
    overlap = (probability * truth).sum(1)
    total = (probability.square() + truth.square()).sum(1)
    return (1 - 2 * overlap / total.clamp(min=1e-6)).mean()


def segmentation_loss(name: LossName, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return equation 1, with half the binary cross-entropy added for `dice+bce`."""
    dice = dice_loss(logits, mask)
    if name == "dice":
        return dice
    return dice + 0.5 * functional.binary_cross_entropy_with_logits(logits, mask)
