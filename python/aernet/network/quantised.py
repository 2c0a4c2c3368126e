"""A network of eight-bit integers while it is trained: float32 numbers, rounded as the integers would be.

It is the graph of an ONNX model with QuantizeLinear and DequantizeLinear nodes, run in PyTorch, so that what
is trained is what is exported, node by node. Gradients pass the rounding unchanged (Jacob et al. 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

WEIGHT_LIMIT = 64
"""The largest |weight| as an integer of 7 bits; why, says `aernet.training.static_quantisation`."""
_BIAS_LIMIT = 2.0**30  # as an integer; a sum of products comes on top
_SMALLEST_SCALE = 1e-12


def _clip(node: onnx.NodeProto, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    tensor, least, largest = (values[name] for name in node.input)
    return torch.clamp(tensor, least, largest)


def _concat(node: onnx.NodeProto, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([values[name] for name in node.input], dim=_attributes(node)["axis"])


def _depth_to_space(node: onnx.NodeProto, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return functional.pixel_shuffle(values[node.input[0]], _attributes(node)["blocksize"])


def _convolution(node: onnx.NodeProto, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    attributes = _attributes(node)
    tensor, weight, bias = (values[name] for name in node.input)
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right):
        tensor = functional.pad(tensor, (left, right, top, bottom))
        top = left = 0
    return functional.conv2d(
        tensor,
        weight,
        bias,
        attributes.get("strides", (1, 1)),
        (top, left),
        groups=attributes.get("group", 1),
    )


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


_ON_TENSORS: dict[str, Callable[..., torch.Tensor]] = {
    "Sub": torch.sub,
    "Add": torch.add,
    "Mul": torch.mul,
    "Relu": torch.relu,
    "Sigmoid": torch.sigmoid,
}
_ON_NODES = {"Clip": _clip, "Concat": _concat, "DepthToSpace": _depth_to_space, "Conv": _convolution}
OPERATORS = frozenset(_ON_TENSORS.keys() | _ON_NODES.keys())
"""The ONNX operators, beside those that quantise, of which such a network may be made."""


class QuantisedNetwork(nn.Module):
    """The network of a quantised ONNX model, without the sigmoid at its end.

    Args:
        graph: the serialized model, as `static_quantisation` makes it; its weights are the first ones.
    """

    def __init__(self, graph: bytes) -> None:
        super().__init__()
        self.graph = graph
        model = onnx.ModelProto.FromString(graph)
        self._nodes = list(model.graph.node)
        self._output = self._nodes.pop().input[0]  # the logits, which the sigmoid reads
        self._convolutions = [node for node in self._nodes if node.op_type == "Conv"]
        values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self._scales: dict[str, tuple[float, int]] = {}  # and zero points, of rounded activations
        self._origins: dict[str, str] = {}  # what a DequantizeLinear node reads
        for node in self._nodes:
            (output,) = node.output
            if node.op_type == "QuantizeLinear":
                self._scales[output] = float(values[node.input[1]]), int(values[node.input[2]])
            elif node.op_type == "DequantizeLinear":
                self._origins[output] = node.input[0]
                if node.input[0] in values:
                    integers, scale = values[node.input[0]], values[node.input[1]]
                    axes = integers.ndim - 1
                    values[output] = (integers * scale.reshape(-1, *[1] * axes)).astype(np.float32)
        trained = {name for node in self._convolutions for name in node.input[1:]}
        constants = {name for node in self._nodes if node.op_type in OPERATORS for name in node.input}
        self._constants = sorted((constants & values.keys()) - trained)
        self.weights = nn.ParameterDict(
            {_key(name): torch.from_numpy(np.array(values[name])) for name in sorted(trained)}
        )
        for name in self._constants:
            self.register_buffer(_key(name), torch.from_numpy(np.array(values[name])), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map pictures (N x 3 x S x S in the colour contract) to logits (N x 1 x S x S)."""
        with torch.autocast(image.device.type, enabled=False):  # bfloat16 has fewer steps than 8-bit integers
            return self._logits(image)

    def scale_logits(self, slope: float, intercept: float) -> None:
        """Change the head so that each logit x becomes slope x + intercept."""
        weight, bias = (self.weights[_key(name)] for name in self._convolutions[-1].input[1:])
        with torch.no_grad():
            weight.mul_(slope)
            bias.mul_(slope).add_(intercept)

    def to_onnx(self) -> onnx.ModelProto:
        """Return the ONNX model with the weights as they are now."""
        model: onnx.ModelProto = onnx.ModelProto.FromString(self.graph)
        tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        inputs = {node.output[0]: node.input for node in self._nodes if node.op_type == "DequantizeLinear"}

        def store(name: str, values: torch.Tensor, dtype: type) -> None:
            array: npt.NDArray[Any] = values.detach().cpu().numpy().astype(dtype)
            tensors[name].CopyFrom(numpy_helper.from_array(array, name))

        for node in self._convolutions:
            weight, bias = (self.weights[_key(name)] for name in node.input[1:])
            if node.input[1] not in inputs:
                store(node.input[1], weight, np.float32)
                store(node.input[2], bias, np.float32)
                continue
            scale = self._weight_scale(node)
            rounded = (weight / scale[:, None, None, None]).round().clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
            of_bias = scale * self._input_scale(node)
            (weights, of_weights, _), (biases, of_biases, *_) = (inputs[name] for name in node.input[1:])
            store(weights, rounded, np.int8)
            store(of_weights, scale.reshape(tuple(tensors[of_weights].dims)), np.float32)
            store(biases, (bias / of_bias).round(), np.int32)
            store(of_biases, of_bias.reshape(tuple(tensors[of_biases].dims)), np.float32)
        return model

    def _logits(self, image: torch.Tensor) -> torch.Tensor:
        values = {"image": image.float()}
        values |= {name: getattr(self, _key(name)) for name in self._constants}
        for node in self._convolutions:
            values |= {name: self.weights[_key(name)] for name in node.input[1:]}
            if node.input[1] in self._origins:
                values[node.input[1]], values[node.input[2]] = self._rounded(node)
        for node in self._nodes:
            (output,) = node.output
            if node.op_type == "QuantizeLinear":
                tensor, (scale, zero) = values[node.input[0]], self._scales[output]
                values[output] = torch.fake_quantize_per_tensor_affine(tensor, scale, zero, 0, 255)
            elif node.op_type == "DequantizeLinear":
                if output not in values:
                    values[output] = values[node.input[0]]
            elif node.op_type in _ON_NODES:
                values[output] = _ON_NODES[node.op_type](node, values)
            else:
                values[output] = _ON_TENSORS[node.op_type](*(values[name] for name in node.input))
        return values[self._output]

    def _rounded(self, node: onnx.NodeProto) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the weights and the bias of a convolution as the integers that they will be have them."""
        weight, bias = (self.weights[_key(name)] for name in node.input[1:])
        scale = self._weight_scale(node)
        zeros = torch.zeros_like(scale, dtype=torch.int32)
        rounded = torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, -WEIGHT_LIMIT, WEIGHT_LIMIT)
        step = scale * self._input_scale(node)
        return rounded, bias + ((bias / step).round() * step - bias).detach()

    def _weight_scale(self, node: onnx.NodeProto) -> torch.Tensor:
        """Return the scale of each output channel, with which its weights and its bias fit."""
        weight, bias = (self.weights[_key(name)].detach() for name in node.input[1:])
        largest: torch.Tensor = weight.abs().amax((1, 2, 3)) / WEIGHT_LIMIT
        least = bias.abs() / (self._input_scale(node) * _BIAS_LIMIT)
        return largest.maximum(least).clamp(min=_SMALLEST_SCALE)

    def _input_scale(self, node: onnx.NodeProto) -> float:
        return self._scales[self._origins[node.input[0]]][0]


def _key(name: str) -> str:
    """Return a tensor's name as PyTorch allows it for parameters and buffers."""
    return name.replace(".", "/")
