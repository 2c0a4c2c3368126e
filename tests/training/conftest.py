"""A small dataset in the official naming, a small preset, and encoder weights that need no network."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import timm
import torch

from aernet.training import epochs
from aernet.training.settings import load_settings
from aernet.training.validate import validate

ENCODER = "test_efficientnet"
IMAGES = "ISIC2018_Task1-2_Training_Input"
MASKS = "ISIC2018_Task1_Training_GroundTruth"


def lesion(generator, height=72, width=96):
    """Draw a dark ellipse on bright skin; return the BGR picture and its mask."""
    mask = np.zeros((height, width), np.uint8)
    axes = generator.integers(10, 26, 2)
    centre = generator.integers((30, 26), (66, 46))
    cv2.ellipse(
        mask,
        tuple(map(int, centre)),
        tuple(map(int, axes)),
        float(generator.uniform(0, 180)),
        0,
        360,
        255,
        -1,
    )
    picture = np.where(mask[..., None] > 0, (60, 70, 110), (150, 170, 220)) + generator.normal(
        0, 6, (height, width, 3)
    )
    return picture.clip(0, 255).astype(np.uint8), mask


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Return a folder with 16 training, 4 validation and 2 test pairs."""
    folder = tmp_path_factory.mktemp("dataset")
    generator = np.random.default_rng(0)
    rows = ["image_id,subset"]
    for number, subset in enumerate(["train"] * 16 + ["val"] * 4 + ["test"] * 2):
        picture, mask = lesion(generator)
        for name, image in (
            (f"{IMAGES}/ISIC_{number:07}.png", picture),
            (f"{MASKS}/ISIC_{number:07}_segmentation.png", mask),
        ):
            (folder / name).parent.mkdir(exist_ok=True)
            assert cv2.imwrite(str(folder / name), image)
        rows.append(f"ISIC_{number:07},{subset}")
    (folder / "isic2018_split.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def encoder_weights(tmp_path_factory):
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "encoder.pth"
    torch.save(timm.create_model(ENCODER).state_dict(), path)
    return path


@pytest.fixture
def settings():
    return load_settings(
        "aernet-v2b0",
        encoder=ENCODER,
        widths=[32, 16, 16, 8, 8],
        sizes=[32, 64],
        epochs=4,
        batch_size=8,
        learning_rate=3e-3,
    )


@pytest.fixture
def interrupt_in_epoch(monkeypatch):
    """Have Ctrl-C pressed in the epoch of that number, counted from now on over all runs."""

    def plan(number):
        calls = []

        def validate_or_stop(*arguments):
            calls.append(arguments)
            if len(calls) == number:
                raise KeyboardInterrupt
            return validate(*arguments)

        monkeypatch.setattr(epochs, "validate", validate_or_stop)

    return plan
