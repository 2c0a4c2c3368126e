from __future__ import annotations

import cv2
import numpy as np
import torch

from aernet import preprocess
from aernet.training.colour import cielab


def test_tensor_colours_are_those_of_the_extension_and_of_opencv():
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    picture[:2] = 0
    picture[2:4] = 255
    rgb = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    converted = cielab(rgb)[0].numpy()
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    opencv = (lab / (100, 255, 255) + (0, 128 / 255, 128 / 255)).clip(0, 1).transpose(2, 0, 1)
    assert np.abs(converted - opencv).max() < 2e-3
    assert np.abs(converted - preprocess(picture, 64, colour="rgb")).max() < 5e-4


def test_gradients_are_finite_in_black_and_white():
    rgb = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 4, 4).clone().requires_grad_()
    cielab(rgb).sum().backward()
    assert torch.isfinite(rgb.grad).all()
