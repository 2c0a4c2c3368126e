"""AER-Net and the paper's ablations (table 2): the same parts put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import torch
from torch import nn

from aernet.network.blocks import PlainBlock, ResidualBlock
from aernet.network.decoder import Decoder
from aernet.network.encoder import PretrainedEncoder, UNetEncoder
from aernet.network.standardisation import Standardisation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Architecture = Literal["unet", "attention-unet", "attention-residual-unet", "aernet"]
UNET_WIDTHS = (64, 128, 256, 512, 1024)


class SegmentationNetwork(nn.Module):
    """Standardisation, encoder, decoder and a head that brings what the decoder left to full resolution."""

    def __init__(
        self, encoder: UNetEncoder | PretrainedEncoder, decoder: Decoder, width: int, channels: int
    ) -> None:
        super().__init__()
        self.standardisation = Standardisation(channels)
        self.encoder = encoder
        self.decoder = decoder
        self.head = (
            nn.Conv2d(width, 1, 1) if decoder.stride == 1 else nn.ConvTranspose2d(width, 1, 2, stride=2)
        )

    @property
    def first_convolution(self) -> nn.Conv2d:
        """The layer behind the standardisation."""
        return next(module for module in self.encoder.modules() if isinstance(module, nn.Conv2d))

    def scale_logits(self, slope: float, intercept: float) -> None:
        """Change the head so that each logit x becomes slope x + intercept."""
        bias = cast("torch.Tensor", self.head.bias)
        with torch.no_grad():
            self.head.weight.mul_(slope)
            bias.mul_(slope).add_(intercept)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map pictures (N x C x S x S in [0, 1], 32 divides S) to logits (N x 1 x S x S)."""
        logits: torch.Tensor = self.head(self.decoder(self.encoder(self.standardisation(image))))
        return logits


def unet(channels: int = 3, *, attention: bool = False, residual: bool = False) -> SegmentationNetwork:
    """Return U-Net, with attention gates or residual blocks where asked (table 2, rows 1 to 3)."""
    block = ResidualBlock if residual else PlainBlock
    encoder = UNetEncoder(UNET_WIDTHS, block, channels)
    widths = UNET_WIDTHS[-2::-1]
    decoder = Decoder(encoder.channels, encoder.strides[0], widths, block, attention=attention)
    return SegmentationNetwork(encoder, decoder, widths[-1], channels)


def aernet(
    encoder_name: str, widths: Sequence[int], channels: int = 3, *, pretrained: Path | bool = False
) -> SegmentationNetwork:
    """Return AER-Net (figure 3): pre-trained encoder, attention gates, residual decoder blocks.

    Args:
        encoder_name: a timm model with `features_only` maps at stride 2 to 32, or 1 to 32.
        widths: channels of the decoder stages, the coarsest first: five, or four and a head of stride 2.
        channels: channels of the picture.
        pretrained: whether to start from ImageNet weights, those that timm fetches or those of a file.
    """
    encoder = PretrainedEncoder(encoder_name, channels, pretrained=pretrained)
    decoder = Decoder(encoder.channels, encoder.strides[0], widths, ResidualBlock, attention=True)
    return SegmentationNetwork(encoder, decoder, widths[-1], channels)


def build_network(
    architecture: Architecture,
    encoder_name: str,
    widths: Sequence[int],
    channels: int = 3,
    *,
    pretrained: Path | bool = False,
) -> SegmentationNetwork:
    """Return the network of a preset; U-Net and its ablations have an encoder and widths of their own."""
    if architecture == "aernet":
        return aernet(encoder_name, widths, channels, pretrained=pretrained)
    return unet(channels, attention="attention" in architecture, residual="residual" in architecture)
