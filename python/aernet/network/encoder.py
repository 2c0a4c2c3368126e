"""Encoders: U-Net's own, and any timm network that gives its feature maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNPADDED = ("inception_v4", "inception_resnet_v2")
"""Encoders whose convolutions and poolings leave out the border, so that maps would not halve."""


class UNetEncoder(nn.Module):
    """Blocks of growing width with 2 x 2 max pooling between them (Ronneberger et al. 2015).

    Args:
        widths: channels at stride 1, 2, 4, ...
        block: what builds a block from its input and output channels.
        channels: channels of the picture.
    """

    def __init__(self, widths: Sequence[int], block: Callable[[int, int], nn.Module], channels: int) -> None:
        super().__init__()
        self.channels = list(widths)
        self.strides = [2**level for level in range(len(widths))]
        self.blocks = nn.ModuleList(
            block(before, after) for before, after in zip([channels, *widths[:-1]], widths, strict=True)
        )

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return one feature map a level, the finest first."""
        features = [self.blocks[0](image)]
        for block in self.blocks[1:]:
            features.append(block(nn.functional.max_pool2d(features[-1], 2)))
        return features


class PretrainedEncoder(nn.Module):
    """A timm network's feature maps, each half the size of the one before, the last at stride 32.

    Args:
        name: timm model name, such as `efficientnet_b1`.
        channels: channels of the picture; where they are not three, timm adds up or repeats the weights.
        pretrained: whether to start from ImageNet weights, those that timm fetches or those of a file.
    """

    def __init__(self, name: str, channels: int, *, pretrained: Path | bool = False) -> None:
        super().__init__()
        source = {"file": str(pretrained)} if isinstance(pretrained, Path) else None
        self.network = timm.create_model(
            name,
            features_only=True,
            in_chans=channels,
            pretrained=bool(pretrained),
            pretrained_cfg_overlay=source,
        )
        if name in UNPADDED:
            _pad(self.network)
        information: Any = self.network.feature_info
        self.channels: list[int] = information.channels()
        self.strides: list[int] = information.reduction()

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return one feature map a level, the finest first."""
        features: list[torch.Tensor] = self.network(image)
        return features


def _pad(network: nn.Module) -> None:
    """Let every convolution and pooling keep the border."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d)) and module.padding in {0, (0, 0)}:
            sides = module.kernel_size
            module.padding = sides // 2 if isinstance(sides, int) else (sides[0] // 2, sides[1] // 2)
