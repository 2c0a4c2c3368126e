"""Colour spaces in tensor arithmetic, so that training converts colours on its own device."""

from __future__ import annotations

from typing import Literal

import torch

from aernet.training.xyz import XYZ_FROM_RGB

Colour = Literal["cielab", "rgb", "hsv", "hsv+rgb", "gray"]
"""The colour spaces that the paper compares (section 3.1); models that ship see CIELAB."""

CHANNELS: dict[Colour, int] = {"cielab": 3, "rgb": 3, "hsv": 3, "hsv+rgb": 6, "gray": 1}

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, which OpenCV uses for gray too


def convert(rgb: torch.Tensor, colour: Colour) -> torch.Tensor:
    """Convert sRGB to a colour space, each channel scaled to [0, 1].

    Args:
        rgb: N x 3 x H x W, channel order R, G, B, in [0, 1].
        colour: the colour space.

    Returns:
        N x C x H x W in [0, 1], with the C of `CHANNELS`.
    """
    if colour == "cielab":
        return cielab(rgb)
    if colour == "hsv":
        return hsv(rgb)
    if colour == "hsv+rgb":
        return torch.cat([hsv(rgb), rgb], dim=1)
    if colour == "gray":
        luma = torch.tensor(LUMA, dtype=rgb.dtype, device=rgb.device)
        return (rgb * luma[:, None, None]).sum(1, keepdim=True)
    return rgb


def hsv(rgb: torch.Tensor) -> torch.Tensor:
    """Convert sRGB to hue (a full turn is 1), saturation and value; a gray pixel has hue 0.

    Args:
        rgb: N x 3 x H x W, channel order R, G, B, in [0, 1].

    Returns:
        N x 3 x H x W in [0, 1].
    """
    red, green, blue = rgb.unbind(1)
    value = rgb.amax(1)
    chroma = value - rgb.amin(1)
    coloured = chroma.clamp(min=1e-6)
    sixths = torch.where(
        value == red,
        (green - blue) / coloured,
        torch.where(value == green, 2 + (blue - red) / coloured, 4 + (red - green) / coloured),
    )
    return torch.stack([(sixths / 6) % 1, chroma / value.clamp(min=1e-6), value], dim=1)


def cielab(rgb: torch.Tensor) -> torch.Tensor:
    """Convert sRGB to CIELAB, each channel scaled to [0, 1].

    Args:
        rgb: N x 3 x H x W, channel order R, G, B, in [0, 1].

    Returns:
        N x 3 x H x W: L / 100, (a + 128) / 255, (b + 128) / 255, clipped to [0, 1].
    """
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)
    matrix = torch.tensor(XYZ_FROM_RGB, dtype=rgb.dtype, device=rgb.device)
    xyz = torch.nn.functional.conv2d(linear, matrix[:, :, None, None])
    roots = torch.where(xyz > 0.008856, xyz.clamp(min=0.008856) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = roots.unbind(1)
    lightness = 1.16 * y - 0.16
    scaled = torch.stack([lightness, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255], dim=1)
    return scaled.clamp(0, 1)
