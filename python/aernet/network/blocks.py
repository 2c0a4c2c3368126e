"""The two convolution blocks: plain (U-Net) and residual (paper section 3.2, figure 4)."""

from __future__ import annotations

import torch
from torch import nn


def convolution(in_channels: int, out_channels: int, side: int = 3) -> nn.Sequential:
    """Return a convolution of side 1 or 3 with batch normalisation that keeps the resolution."""
    weights = nn.Conv2d(in_channels, out_channels, side, padding=side // 2, bias=False)
    return nn.Sequential(weights, nn.BatchNorm2d(out_channels))


class PlainBlock(nn.Sequential):
    """Two times convolution, batch normalisation, ReLU (Ronneberger et al. 2015)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            convolution(in_channels, out_channels),
            nn.ReLU(),
            convolution(out_channels, out_channels),
            nn.ReLU(),
        )


class ResidualBlock(nn.Module):
    """The plain block with a shortcut; where the widths differ the shortcut is a 1 x 1 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(in_channels, out_channels), nn.ReLU(), convolution(out_channels, out_channels)
        )
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else convolution(in_channels, out_channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map N x C_in x H x W to N x C_out x H x W."""
        return torch.relu(self.body(features) + self.shortcut(features))
