"""From the colour contract to the colours that a pre-trained encoder knows."""

from __future__ import annotations

import torch
from torch import nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)


class Standardisation(nn.Module):
    """A fixed affine map of the three colour channels, the first layer of every network: A (x - c).

    Skin fills a small corner of CIELAB, and there RGB is nearly an affine function of CIELAB. Fitted to
    pixels of the training pictures, this layer gives nearly the RGB that ImageNet weights expect.
    """

    matrix: torch.Tensor
    """A, 3 x 3."""
    centre: torch.Tensor
    """c, 3 x 1 x 1."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(3))
        self.register_buffer("centre", torch.zeros(3, 1, 1))
        self.folded = False

    def fit(self, cielab: torch.Tensor, rgb: torch.Tensor) -> None:
        """Set the map by least squares.

        Args:
            cielab: P x 3 pixels in the colour contract.
            rgb: the same P x 3 pixels as R, G, B in [0, 1].
        """
        target = (rgb - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STANDARD_DEVIATION)
        inputs = torch.cat([cielab, torch.ones_like(cielab[:, :1])], dim=1)
        solution = torch.linalg.lstsq(inputs.double(), target.double()).solution
        matrix, offset = solution[:3].T, solution[3]
        self.matrix.copy_(matrix)
        self.centre.copy_(-(torch.linalg.pinv(matrix) @ offset)[:, None, None])

    def fold_into(self, convolution: nn.Conv2d) -> None:
        """Leave the matrix to the convolution behind; its padding with zeros is the same on either side."""
        with torch.no_grad():
            convolution.weight.copy_(torch.einsum("oihw,ij->ojhw", convolution.weight, self.matrix))
        self.folded = True

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map N x 3 x H x W to N x 3 x H x W."""
        centred = image - self.centre
        return centred if self.folded else nn.functional.conv2d(centred, self.matrix[:, :, None, None])
