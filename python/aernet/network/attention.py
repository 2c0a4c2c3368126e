"""The attention gate on a skip connection (paper section 3.2.1, figure 5; Oktay et al. 2018)."""

from __future__ import annotations

import torch
from torch import nn

from aernet.network.blocks import convolution


class AttentionGate(nn.Module):
    """Weigh each pixel of a skip connection by what the decoder already knows.

    The additive gate of Oktay et al., placed where the paper draws it, just before the concatenation: the
    gating signal is the decoder map after upsampling, so that both inputs have the skip's resolution.

    Args:
        skip_channels: channels of the skip connection.
        gate_channels: channels of the gating signal.
    """

    def __init__(self, skip_channels: int, gate_channels: int) -> None:
        super().__init__()
        intermediate = max(skip_channels // 2, 1)
        self.skip = convolution(skip_channels, intermediate, 1)
        self.gate = convolution(gate_channels, intermediate, 1)
        self.coefficient = nn.Sequential(nn.ReLU(), *convolution(intermediate, 1, 1), nn.Sigmoid())

    def forward(self, skip: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """Return `skip` (N x C x H x W) times coefficients in (0, 1) that `gate` (N x G x H x W) decides."""
        weighed: torch.Tensor = skip * self.coefficient(self.skip(skip) + self.gate(gate))
        return weighed
