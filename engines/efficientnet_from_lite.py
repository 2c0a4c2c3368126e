"""Set the ImageNet weights of EfficientNet-Lite1 or Lite2 into EfficientNet-B1 or B2.

    python engines/efficientnet_from_lite.py tf_efficientnet_lite1.pth tf_efficientnet_b1.pth

B is Lite with squeeze-excitation, with SiLU for ReLU6, and with a second block in the first and the last
stage. Layers of one name and shape are copied. Squeeze-excitations start nearly neutral, with a gate of 0.95
everywhere, and the second blocks as identities. The classifier is left out. `aernet-b1` began so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import timm
import torch
import typer

_GATE = 3.0  # its sigmoid is 0.95
_LAST_NORMALISATIONS = ("blocks.0.1.bn2.weight", "blocks.6.1.bn3.weight")  # of the blocks that Lite lacks


def main(
    lite: Annotated[
        Path, typer.Argument(help="timm state dict, named tf_efficientnet_lite1.pth or ..._lite2.pth.")
    ],
    output: Annotated[Path, typer.Argument(help="timm state dict to write.")],
) -> None:
    """Write the weights of tf_efficientnet_b1 from those of tf_efficientnet_lite1, or B2 from Lite2."""
    name = lite.stem.replace("lite", "b")
    torch.save(converted(torch.load(lite, weights_only=True), name), output)


def converted(lite: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """Return weights for the timm model `name`; what Lite has no counterpart for starts as timm starts it."""
    network = timm.create_model(name, pretrained=False, num_classes=0).state_dict()
    for key, weight in network.items():
        if key in lite and lite[key].shape == weight.shape:
            weight.copy_(lite[key])
        elif key.endswith("se.conv_expand.weight"):
            weight.mul_(0.1)
        elif key.endswith("se.conv_expand.bias"):
            weight.fill_(_GATE)
        elif key.endswith("se.conv_reduce.bias") or key in _LAST_NORMALISATIONS:
            weight.zero_()
    return network


if __name__ == "__main__":
    typer.run(main)
