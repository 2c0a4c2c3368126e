"""Random changes of a batch on the training device, each picture and its mask in the same way."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from aernet.training.colour import convert

HAIR = (1.0, 0.85, 0.7)  # brown: red, green and blue, relative to red
MOST_HAIRS = 24


class Augmentation:
    """Varies pictures as a dermatoscope, a hand and a camera do.

    Any rotation and mirroring, anisotropic zoom and shift; exposure, contrast, gamma, saturation and colour
    cast; hair; dark corners; loss of focus. Seeded: the same seed and the same calls give the same pictures.
    """

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, rgb: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return changed copies of `rgb` (N x 3 x S x S in [0, 1]) and `mask` (N x 1 x S x S in [0, 1])."""
        rgb, mask = self._move(rgb, mask)
        return self._defocus(self._darken_corners(self._grow_hair(self._recolour(rgb)))), mask

    def _uniform(self, like: torch.Tensor, low: float, high: float, channels: int = 1) -> torch.Tensor:
        """Return N x channels x 1 x 1 random values on the device of `like`."""
        values = torch.rand(len(like), channels, 1, 1, generator=self.generator)
        return (low + (high - low) * values).to(like.device)

    def _chosen(self, like: torch.Tensor, probability: float) -> torch.Tensor:
        """Return N x 1 x 1 x 1 booleans that are true with `probability`."""
        return self._uniform(like, 0, 1) < probability

    def _move(self, rgb: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        angle = self._uniform(rgb, -math.pi, math.pi).flatten()
        zoom = torch.exp(self._uniform(rgb, -0.5, 0.3)).flatten()
        aspect = torch.exp(self._uniform(rgb, -0.2, 0.2)).flatten()
        mirror = torch.where(self._chosen(rgb, 0.5).flatten(), -1.0, 1.0)
        shift = self._uniform(rgb, -0.12, 0.12, channels=2).flatten(1)
        cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        affine = torch.stack(
            [
                torch.stack([mirror * cosine * aspect, -sine * aspect, shift[:, 0]], dim=1),
                torch.stack([mirror * sine / aspect, cosine / aspect, shift[:, 1]], dim=1),
            ],
            dim=1,
        )
        grid = functional.affine_grid(affine, list(rgb.shape), align_corners=False)
        moved = functional.grid_sample(
            torch.cat([rgb, mask], dim=1), grid, padding_mode="reflection", align_corners=False
        )
        return moved[:, :3], moved[:, 3:]

    def _recolour(self, rgb: torch.Tensor) -> torch.Tensor:
        gray = convert(rgb, "gray")
        rgb = gray + (rgb - gray) * self._uniform(rgb, 0.7, 1.4)
        middle = gray.mean((2, 3), keepdim=True)
        rgb = middle + (rgb - middle) * self._uniform(rgb, 0.75, 1.3)
        rgb = rgb * self._uniform(rgb, 0.8, 1.2) * self._uniform(rgb, 0.9, 1.1, channels=3)
        return rgb.clamp(1e-4, 1) ** torch.exp(self._uniform(rgb, -0.3, 0.3))

    def _grow_hair(self, rgb: torch.Tensor) -> torch.Tensor:
        """Draw hairs over some pictures: quadratic curves, thin or thick, dark or fair."""
        cover = self._hair_cover(rgb).to(rgb.device)
        thick = functional.max_pool2d(cover, 3, stride=1, padding=1)
        cover = torch.where(self._chosen(rgb, 0.5), thick, cover)
        cover = (2 * functional.avg_pool2d(cover, 3, stride=1, padding=1)).clamp(max=1)
        brown = torch.tensor(HAIR, device=rgb.device).view(1, 3, 1, 1)
        colour = self._uniform(rgb, 0.02, 0.5) * brown
        return rgb + (colour - rgb) * cover * self._uniform(rgb, 0.5, 1.0)

    def _hair_cover(self, like: torch.Tensor) -> torch.Tensor:
        """Return N x 1 x H x W: 1 where a hair is, else 0; three in ten pictures have hairs."""
        count, _, height, width = like.shape
        ends = torch.rand(count, MOST_HAIRS, 3, 2, generator=self.generator) * 1.4 - 0.2
        ends[:, :, 1] = (ends[:, :, 0] + ends[:, :, 2]) / 2 + (ends[:, :, 1] - 0.5) * 0.5
        share = torch.rand(count, 1, generator=self.generator)
        share = torch.where(torch.rand(count, 1, generator=self.generator) < 0.3, share, 0)
        grown = torch.rand(count, MOST_HAIRS, generator=self.generator) < share
        along = torch.linspace(0, 1, 2 * max(height, width))[:, None]
        start, middle, end = (ends[:, :, None, index] for index in range(3))
        curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end
        column, row = (curve * torch.tensor([width, height])).long().unbind(-1)  # N x hairs x points
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height) & grown[..., None]
        picture = torch.arange(count)[:, None, None].expand_as(row)
        cover = torch.zeros(count, 1, height, width)
        cover[picture[inside], 0, row[inside], column[inside]] = 1
        return cover

    def _darken_corners(self, rgb: torch.Tensor) -> torch.Tensor:
        line = torch.linspace(-1, 1, rgb.shape[-1], device=rgb.device)
        radius = torch.hypot(line[:, None], line[None, :])[None, None]
        start = self._uniform(rgb, 0.75, 1.3)
        softness = self._uniform(rgb, 0.03, 0.5)
        shade = 1 - self._uniform(rgb, 0.3, 1.0) * ((radius - start) / softness).clamp(0, 1)
        return torch.where(self._chosen(rgb, 0.25), rgb * shade, rgb)

    def _defocus(self, rgb: torch.Tensor) -> torch.Tensor:
        blurred = functional.avg_pool2d(functional.pad(rgb, (2, 2, 2, 2), mode="reflect"), 5, stride=1)
        amount = self._uniform(rgb, 0.3, 1.0)
        return torch.where(self._chosen(rgb, 0.2), rgb + (blurred - rgb) * amount, rgb)
