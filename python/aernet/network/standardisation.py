"""From a colour space to the colours that a pre-trained encoder knows."""

from __future__ import annotations

import torch
from torch import nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)


class Standardisation(nn.Module):
    """A fixed affine map of the C colour channels, the first layer of every network: A (x - c).

    Skin fills a small corner of CIELAB, and there RGB is nearly an affine function of CIELAB. Fitted to
    pixels of the training pictures, this layer gives nearly the RGB that ImageNet weights expect; so it does
    for other colour spaces: for each three channels of their own, for a single one the mean of R, G and B.
    """

    matrix: torch.Tensor
    """A, C x C."""
    centre: torch.Tensor
    """c, C x 1 x 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(channels))
        self.register_buffer("centre", torch.zeros(channels, 1, 1))
        self.folded = False

    def fit(self, colours: torch.Tensor, rgb: torch.Tensor) -> None:
        """Set the map by least squares.

        Args:
            colours: P x C pixels in the colour space, in [0, 1].
            rgb: the same P x 3 pixels as R, G, B in [0, 1].
        """
        target = (rgb - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STANDARD_DEVIATION)
        if colours.shape[1] == 1:
            target = target.mean(1, keepdim=True)
        self.matrix.zero_()
        for part in torch.arange(colours.shape[1]).split(3):
            inputs = torch.cat([colours[:, part], torch.ones_like(colours[:, :1])], dim=1)
            solution = torch.linalg.lstsq(inputs.double(), target.double()).solution
            matrix, offset = solution[:-1].T, solution[-1]
            self.matrix[part[:, None], part] = matrix.float()
            self.centre[part] = -(torch.linalg.pinv(matrix) @ offset).float()[:, None, None]

    def fold_into(self, convolution: nn.Conv2d) -> None:
        """Leave the matrix to the convolution behind; its padding with zeros is the same on either side."""
        with torch.no_grad():
            convolution.weight.copy_(torch.einsum("oihw,ij->ojhw", convolution.weight, self.matrix))
        self.folded = True

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map N x C x H x W to N x C x H x W."""
        centred = image - self.centre
        return centred if self.folded else nn.functional.conv2d(centred, self.matrix[:, :, None, None])
