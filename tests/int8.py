"""A small network for eight bits, with random weights, in float32 and in INT8."""

from __future__ import annotations

import numpy as np
import torch
from runs import LEARNED_FROM

from aernet.export import export
from aernet.training.checkpoint import Checkpoint
from aernet.training.dataset import Pictures
from aernet.training.first_network import first_quantised
from aernet.training.settings import load_settings

SIZE = 64
HISTORY = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
SETTINGS = load_settings("aernet-lite", encoder="tf_efficientnet_lite0", widths=[32, 16, 16, 8], sizes=[SIZE])


def images(count, seed=0):
    """Return smooth pictures in the colour contract, N x 3 x S x S."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=SIZE, mode="bilinear").numpy()


def write_float32(path, examples):
    """Export a network that has seen a few pictures, so that its normalisations fit them."""
    torch.manual_seed(0)
    network = SETTINGS.build().train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean over all that it sees
    with torch.no_grad():
        for seed in range(3):
            network(torch.from_numpy(images(4, seed)))
    export(
        Checkpoint(SETTINGS, LEARNED_FROM, network.state_dict(), {}, {}, HISTORY, 0.5), examples, None, path
    )
    return path


def write_int8(path, float32, examples):
    """Quantise it without training, and export it."""
    network = quantised(float32)
    checkpoint = Checkpoint(
        SETTINGS, LEARNED_FROM, network.state_dict(), {}, {}, HISTORY, 0.5, graph=network.graph
    )
    export(checkpoint, examples, None, path)
    return path


def quantised(float32):
    """Return the INT8 network of a float32 model."""
    rgb = torch.from_numpy((images(8) * 255).astype(np.uint8))
    mask = torch.zeros(8, 1, SIZE, SIZE, dtype=torch.uint8)
    names = [str(index) for index in range(8)]
    return first_quantised(Pictures(names, rgb, mask), float32).eval()
