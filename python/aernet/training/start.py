"""Starts a network from another's weights: those of a checkpoint or of an exported ONNX model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from aernet.engine.onnx_model import widened
from aernet.errors import ModelError
from aernet.training.checkpoint import load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aernet.network import SegmentationNetwork

# The exporter's name for the bias of a convolution that the following normalisation is folded into.
_FOLDED_BIAS = ".weight_bias"
_NETWORK = "0."  # the exported module is the network followed by a sigmoid


def start_from(network: SegmentationNetwork, source: Path, images: torch.Tensor) -> list[str]:
    """Give a network the weights of another wherever name and shape agree.

    In an ONNX model the batch normalisations are folded into the convolutions. They are separated again with
    the statistics that `images` have there, so that training continues from the same function.

    Args:
        network: the network to start, with its standardisation fitted.
        source: checkpoint (`.pt`), or ONNX model that `aernet-trt export` wrote.
        images: N x 3 x S x S training pictures in the colour contract.

    Returns:
        The names of the modules that keep their own weights.

    Raises:
        SourceError: the checkpoint is missing or not a checkpoint.
        ModelError: the ONNX model is missing or not a model, or shares no weight with the network.
    """
    is_checkpoint = source.suffix == ".pt"
    weights = load_checkpoint(source).network if is_checkpoint else _onnx_weights(source)
    own = network.state_dict()
    taken = {
        name: weight for name, weight in weights.items() if name in own and own[name].shape == weight.shape
    }
    if not taken:
        raise ModelError(f"{source}: shares no weight with this network")
    network.load_state_dict(taken, strict=False)
    if not is_checkpoint:
        _unfold_standardisation(network)
    biases = {
        name.removesuffix(_FOLDED_BIAS): weight
        for name, weight in weights.items()
        if name.endswith(_FOLDED_BIAS) and name.removesuffix("_bias") in taken
    }
    if biases:
        _unfold_normalisation(network, biases, images)
    fresh = {
        name.rpartition(".")[0] for name in own if name not in taken and name.endswith((".weight", ".bias"))
    }
    normalisations = {name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    return sorted(fresh - normalisations)


def _onnx_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        model = onnx.load(path)
    except Exception as error:
        raise ModelError(f"{path}: expected a checkpoint (.pt) or an ONNX model, found neither") from error
    weights = {
        entry.name.removeprefix(_NETWORK): torch.from_numpy(np.array(numpy_helper.to_array(entry)))
        for entry in widened(model).graph.initializer
    }
    head = weights.get("head.weight")
    if head is not None and len(head) == 4:  # `with_subpixel_head` undone
        weights |= {
            "head.weight": head.flatten(1).T.reshape(-1, 1, 2, 2),
            "head.bias": weights["head.bias"][:1],
        }
    return weights


@torch.no_grad()
def _unfold_standardisation(network: SegmentationNetwork) -> None:
    """Separate the matrix of the standardisation from the first convolution."""
    convolution = network.first_convolution
    inverse = torch.linalg.inv(network.standardisation.matrix)
    convolution.weight.copy_(torch.einsum("oihw,ij->ojhw", convolution.weight, inverse))


@torch.no_grad()
def _unfold_normalisation(
    network: nn.Module, biases: Mapping[str, torch.Tensor], images: torch.Tensor
) -> None:
    """Separate the batch normalisations from the convolutions that they are folded into.

    Each filter is scaled to length 1. Its normalisation gets the statistics of `images`, and the scale and
    offset that give the same output as before.
    """
    folded: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}
    for name, module in network.named_modules():
        if name in biases and isinstance(module, nn.Conv2d):
            scale = 1 / module.weight.flatten(1).norm(dim=1).clamp(min=1e-6)
            module.weight.mul_(scale[:, None, None, None])
            folded[module] = scale, biases[name]
    last: list[tuple[nn.Module, torch.Tensor]] = []

    def remember(module: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        last[:] = [(module, output)]

    def set_statistics(module: nn.BatchNorm2d, inputs: tuple[torch.Tensor, ...]) -> None:
        convolution, output = last[0]
        if output is not inputs[0] or convolution not in folded:
            return
        scale, bias = folded[convolution]
        variance, mean = torch.var_mean(output, dim=(0, 2, 3))
        weight = (variance + module.eps).sqrt() / scale
        state = {"running_mean": mean, "running_var": variance, "weight": weight, "bias": bias + mean / scale}
        module.load_state_dict(state, strict=False)

    hooks = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(remember))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(set_statistics))
    network.eval()(images)
    for hook in hooks:
        hook.remove()
