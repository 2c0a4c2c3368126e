"""The Jaccard and Dice indices on the validation subset, at every threshold that may be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from aernet.evaluation.threshold import best_threshold
from aernet.training.colour import convert

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from aernet.training.dataset import Pictures

THRESHOLDS = tuple(round(0.3 + 0.025 * step, 3) for step in range(19))
_PICTURES_A_BATCH = 20


@dataclass(frozen=True)
class Validation:
    """Per-image means on the validation subset, at training size."""

    jaccard: list[float]
    """One for each of `THRESHOLDS`."""
    dice: list[float]
    """One for each of `THRESHOLDS`."""

    def chosen(self) -> int:
        """Return the index of the threshold that the network gets; see `best_threshold`."""
        return best_threshold(self.jaccard)


@torch.no_grad()
def validate(fabric: Fabric, network: torch.nn.Module, pictures: Pictures) -> Validation:
    """Segment the pictures, each process its share of them, and compare the result with the masks."""
    network.eval()
    thresholds = torch.tensor(THRESHOLDS, device=fabric.device)[:, None, None, None, None]
    sums = torch.zeros(2, len(THRESHOLDS), dtype=torch.float64, device=fabric.device)
    share = torch.arange(fabric.global_rank, len(pictures), fabric.world_size)
    for indices in share.split(_PICTURES_A_BATCH):
        rgb, mask = pictures.batch(indices, fabric.device)
        logits = network(convert(rgb, pictures.colour).contiguous(memory_format=torch.channels_last))
        lesion = torch.sigmoid(logits.float()) >= thresholds  # T x N x 1 x S x S
        truth = mask >= 0.5
        both = (lesion & truth).sum((2, 3, 4)).double()
        area = lesion.sum((2, 3, 4)).double() + truth.sum((1, 2, 3)).double()
        union = area - both
        sums[0] += torch.where(union > 0, both / union.clamp(min=1), 1).sum(1)
        sums[1] += torch.where(area > 0, 2 * both / area.clamp(min=1), 1).sum(1)
    network.train()
    totals = cast("torch.Tensor", fabric.all_reduce(sums, reduce_op="sum"))
    jaccard, dice = (totals / len(pictures)).tolist()
    return Validation(jaccard, dice)
