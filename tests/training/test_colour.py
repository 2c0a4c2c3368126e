from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from aernet import preprocess
from aernet.errors import SourceError
from aernet.training.colour import CHANNELS, cielab, convert
from aernet.training.train import train


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


def every_kind_of_colour():
    """Return R, G, B in [0, 1], float32: noise, grays, and all colours that mix 0, 1/2 and 1."""
    noise = np.random.default_rng(0).random((61, 9, 3), dtype=np.float32)
    gray = np.repeat(np.linspace(0, 1, 9, dtype=np.float32)[None, :, None], 3, axis=2)
    mixed = np.stack(np.meshgrid(*[np.float32([0, 0.5, 1])] * 3), axis=-1).reshape(3, 9, 3)
    return np.concatenate([noise, gray, mixed])


@pytest.mark.parametrize("colour", CHANNELS)
def test_every_colour_space_is_that_of_opencv(colour):
    picture = every_kind_of_colour()
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV) / np.float32([360, 1, 1])
    expected = {
        "cielab": cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) / (100, 255, 255) + (0, 128 / 255, 128 / 255),
        "rgb": picture,
        "hsv": hsv,
        "hsv+rgb": np.concatenate([hsv, picture], axis=2),
        "gray": cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None],
    }[colour]
    converted = convert(torch.from_numpy(picture.transpose(2, 0, 1))[None], colour)
    assert converted.shape[1] == CHANNELS[colour]
    assert converted.min() >= 0
    assert converted.max() <= 1
    difference = np.abs(converted[0].numpy().transpose(1, 2, 0) - expected)
    assert difference.max() < (3e-3 if colour == "cielab" else 1e-5)  # OpenCV reads CIELAB from a table


def test_gradients_are_finite_in_black_and_white():
    rgb = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 4, 4).clone().requires_grad_()
    cielab(rgb).sum().backward()
    assert torch.isfinite(rgb.grad).all()


def test_training_starts_from_a_network_that_knows_the_colour_space(dataset, settings, model, tmp_path):
    settings = replace(settings, colour="gray")
    message = r"dark\.onnx: has colour cielab, but the preset colour gray"
    with pytest.raises(SourceError, match=message):
        train(settings, dataset, tmp_path / "run", start=model)
