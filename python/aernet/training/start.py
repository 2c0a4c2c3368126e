"""Starts a network from another's weights: those of a checkpoint or of an exported ONNX model."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from aernet.engine.onnx_model import widened
from aernet.errors import ModelError
from aernet.onnx_file import read_onnx
from aernet.training.checkpoint import load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from aernet.network import SegmentationNetwork

# The exporter's name for the bias of a convolution that the following normalisation is folded into.
_FOLDED_BIAS = ".weight_bias"
_OUTPUT_AXIS = {"Conv": 0, "ConvTranspose": 1}  # of the weights, where their channels out are counted
_COUNTER = ".num_batches_tracked"  # of a batch normalisation, which a graph does not need
_NETWORK = "0."  # the exported module is the network followed by a sigmoid


def start_from(network: SegmentationNetwork, source: Path, images: torch.Tensor) -> None:
    """Give a network the weights of another of the same architecture.

    In an ONNX model the batch normalisations are folded into the convolutions. They are separated again with
    the statistics that `images` have there, so that training continues from the same function.

    Args:
        network: the network to start, with its standardisation fitted; useless after an error.
        source: checkpoint (`.pt`), or ONNX model that `aernet-trt export` wrote.
        images: N x 3 x S x S training pictures in the colour contract.

    Raises:
        SourceError: the checkpoint is missing or not a checkpoint.
        ModelError: the ONNX model is missing or not a model, has a weight that the network does not take, or
            lacks one of the network's.
    """
    is_checkpoint = source.suffix == ".pt"
    own = network.state_dict()
    weights = load_checkpoint(source).network if is_checkpoint else _onnx_weights(source, own.keys())
    taken = {
        name: weight for name, weight in weights.items() if name in own and own[name].shape == weight.shape
    }
    network.load_state_dict(taken, strict=False)
    if not is_checkpoint:
        _unfold_standardisation(network)
    biases = {
        name.removesuffix(_FOLDED_BIAS): weight
        for name, weight in weights.items()
        if name.endswith(_FOLDED_BIAS) and name.removesuffix("_bias") in taken
    }
    separated = _unfold_normalisation(network, biases, images) if biases else set()
    left = weights.keys() - taken.keys() - {name + _FOLDED_BIAS for name in separated}
    lacking = {name for name in own.keys() - taken.keys() if name.rpartition(".")[0] not in separated}
    if not is_checkpoint:  # the matrix is folded into the first convolution, and was separated above
        lacking -= {"standardisation.matrix", *(name for name in own if name.endswith(_COUNTER))}
    if left or lacking:
        raise ModelError(
            f"{source}: not of the network that is to start from it: {_counted(left)} of its tensors would be"
            f" left over, and {_counted(lacking)} of the network's would have no value"
        )


def _counted(names: set[str]) -> str:
    """Return how many names there are, with the first few."""
    examples = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} ({examples})" if names else "none"


def _onnx_weights(path: Path, own: Collection[str]) -> dict[str, torch.Tensor]:
    """Return the weights of an ONNX model by their names in the network, of which `own` are there."""
    try:
        content = read_onnx(path)
    except ModelError as error:
        raise ModelError(f"{error}; a checkpoint has a name that ends with .pt") from None
    try:
        model = widened(onnx.load_from_string(content))
    except Exception as error:
        raise ModelError(f"{path}: expected an ONNX model, found something else") from error
    weights = {
        entry.name.removeprefix(_NETWORK): torch.from_numpy(np.array(numpy_helper.to_array(entry)))
        for entry in model.graph.initializer
        if entry.name.startswith(_NETWORK)  # the others are numbers of the exporter, such as shapes
    }
    for node in model.graph.node:
        name = node.input[1].removeprefix(_NETWORK) if len(node.input) == 2 else ""
        if node.op_type in _OUTPUT_AXIS and name in weights:  # the exporter left out a bias that is all 0
            bias = name.removesuffix("weight") + "bias"
            channels = weights[name].shape[_OUTPUT_AXIS[node.op_type]]
            weights[bias if bias in own else f"{name}_bias"] = torch.zeros(channels)
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
) -> set[str]:
    """Separate the batch normalisations from the convolutions that they are folded into.

    Each filter is scaled to length 1. Its normalisation gets the statistics of `images`, and the scale and
    offset that give the same output as before.

    Args:
        network: the network; its convolutions have the folded weights.
        biases: the folded bias of each convolution by the name of that.
        images: N x 3 x S x S pictures in the colour contract.

    Returns:
        The names of the convolutions and normalisations that were separated.
    """
    folded = {module: biases[name] for name, module in network.named_modules() if name in biases}
    last: list[tuple[nn.Module, torch.Tensor]] = []
    separated: set[nn.Module] = set()

    def remember(module: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        last[:] = [(module, output)]

    def separate(module: nn.BatchNorm2d, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor] | None:
        convolution, output = last[0]
        if output is not inputs[0] or convolution not in folded:
            return None
        filters = cast("torch.Tensor", convolution.weight)
        scale = 1 / filters.flatten(1).norm(dim=1).clamp(min=1e-6)
        filters.mul_(scale[:, None, None, None])
        output = output * scale[:, None, None]
        variance, mean = torch.var_mean(output, dim=(0, 2, 3), correction=0)  # as normalisations in training
        weight, bias = (variance + module.eps).sqrt() / scale, folded[convolution] + mean / scale
        state = {"running_mean": mean, "running_var": variance, "weight": weight, "bias": bias}
        module.load_state_dict(state, strict=False)
        separated.update((convolution, module))
        return (output,)

    hooks = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(remember))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(separate))
    network.eval()(images)
    for hook in hooks:
        hook.remove()
    return {name for name, module in network.named_modules() if module in separated}
