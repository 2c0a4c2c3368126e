"""The colour contract as tensor arithmetic, so that training converts colours on its own device."""

from __future__ import annotations

import torch

# Linear sRGB to XYZ, each row divided by the D65 white point (IEC 61966-2-1, CIE 15).
XYZ_FROM_RGB = (
    (0.412453 / 0.950456, 0.357580 / 0.950456, 0.180423 / 0.950456),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754),
)


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
    x, y, z = torch.where(xyz > 0.008856, xyz.clamp(min=0.008856) ** (1 / 3), 7.787 * xyz + 16 / 116).unbind(
        1
    )
    lightness = 1.16 * y - 0.16
    scaled = torch.stack([lightness, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255], dim=1)
    return scaled.clamp(0, 1)
