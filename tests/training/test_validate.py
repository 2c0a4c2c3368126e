from __future__ import annotations

import pytest
import torch
from lightning_fabric import Fabric
from torchmetrics.functional.classification import binary_jaccard_index

from aernet.training.dataset import load_subset
from aernet.training.validate import THRESHOLDS, Validation, validate


class Fixed(torch.nn.Module):
    """A network whose logits are a noisy view of the picture."""

    def forward(self, image):
        return 4 * (0.55 - image[:, :1])


def test_means_are_those_of_torchmetrics(dataset):
    pictures = load_subset(dataset, "val", 64)
    result = validate(Fabric(accelerator="cpu"), Fixed(), pictures)
    from aernet.training.colour import cielab

    rgb, mask = pictures.batch(torch.arange(len(pictures)), torch.device("cpu"))
    probability = torch.sigmoid(Fixed()(cielab(rgb)))
    for index in (0, len(THRESHOLDS) // 2, len(THRESHOLDS) - 1):
        expected = torch.stack(
            [
                binary_jaccard_index((p >= THRESHOLDS[index]).int(), (g >= 0.5).int())
                for p, g in zip(probability, mask, strict=True)
            ]
        ).mean()
        assert result.jaccard[index] == pytest.approx(expected.item(), abs=1e-5)


def test_of_thresholds_that_do_as_well_the_highest_is_chosen():
    jaccard = [0.7] * len(THRESHOLDS)
    jaccard[4:9] = [0.79, 0.8, 0.8, 0.799, 0.797]
    assert Validation(jaccard, jaccard).chosen() == 7
