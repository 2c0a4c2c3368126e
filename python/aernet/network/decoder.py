"""The decoder: upsample, gate the skip connection, concatenate, convolve (paper section 3.2, figure 3)."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import torch
from torch import nn

from aernet.network.attention import AttentionGate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class DecoderStage(nn.Module):
    """Double the resolution and merge the skip connection.

    Args:
        in_channels: channels of the coarser map.
        skip_channels: channels of the skip connection; 0 where there is none.
        width: channels of the result.
        block: what builds the convolution block from its input and output channels.
        attention: whether an attention gate stands on the skip connection.
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: int,
        width: int,
        block: Callable[[int, int], nn.Module],
        *,
        attention: bool,
    ) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(in_channels, width, 2, stride=2)
        self.gate = AttentionGate(skip_channels, width) if attention and skip_channels else None
        self.block = block(width + skip_channels, width)

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor | None) -> torch.Tensor:
        """Map N x C x H x W and N x K x 2H x 2W to N x width x 2H x 2W."""
        features: torch.Tensor = self.upsample(coarse)
        if skip is not None:
            features = torch.cat([features, self.gate(skip, features) if self.gate else skip], dim=1)
        decoded: torch.Tensor = self.block(features)
        return decoded


class Decoder(nn.Module):
    """Decoder stages from the coarsest feature map up to the finest, or to the picture's resolution.

    Args:
        channels: the encoder's channels, the finest map first.
        finest_stride: the stride of the encoder's finest map, 1 or 2.
        widths: channels after each stage, the coarsest first; one a skip connection, and where the finest map
            has stride 2, one more for a last stage without skip connection if there is to be one.
        block: what builds the convolution block of a stage.
        attention: whether attention gates stand on the skip connections.
    """

    def __init__(
        self,
        channels: Sequence[int],
        finest_stride: int,
        widths: Sequence[int],
        block: Callable[[int, int], nn.Module],
        *,
        attention: bool,
    ) -> None:
        super().__init__()
        skips = [*reversed(channels[:-1]), *([0] if finest_stride == 2 else [])]
        fewest = len(channels) - 1
        if not fewest <= len(widths) <= len(skips):
            stages = " or ".join(str(count) for count in range(fewest, len(skips) + 1))
            raise ValueError(f"widths: expected one a decoder stage ({stages}), got {len(widths)}")
        skips = skips[: len(widths)]
        self.stride = finest_stride if len(widths) == fewest else 1
        self.stages = nn.ModuleList(
            DecoderStage(before, skip, width, block, attention=attention)
            for before, skip, width in zip([channels[-1], *widths[:-1]], skips, widths, strict=True)
        )

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Map the encoder's feature maps (the finest first) to N x widths[-1] x H x W."""
        *skips, decoded = features
        for stage, skip in zip_longest(self.stages, reversed(skips)):
            decoded = stage(decoded, skip)
        return decoded
