from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from runs import LEARNED_FROM

from aernet import Segmenter
from aernet.export import export
from aernet.network import build_network
from aernet.pictures import example_pictures, read_picture
from aernet.reproduction.segmenter import CheckpointSegmenter, otsu_threshold
from aernet.training.checkpoint import Checkpoint
from aernet.training.colour import CHANNELS
from aernet.training.settings import load_settings


@pytest.fixture(scope="module")
def pictures():
    first = read_picture(example_pictures()[0])
    return [first, 255 - cv2.resize(first, (90, 50)), cv2.resize(first, (48, 300))]


@pytest.fixture
def checkpoint():
    def make(colour="cielab"):
        torch.manual_seed(0)
        settings = load_settings(
            "aernet-b1", encoder="mobilenetv3_small_050", widths=[16, 16, 8, 8], sizes=[64], colour=colour
        )
        network = build_network(
            settings.architecture, settings.encoder, settings.widths, CHANNELS[settings.colour]
        )
        history = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
        return Checkpoint(settings, LEARNED_FROM, network.state_dict(), {}, {}, history, 0.5)

    return make


def test_a_checkpoint_answers_as_its_exported_model_does(checkpoint, pictures, tmp_path):
    checkpoint().save(tmp_path / "best.pt")
    export(checkpoint(), example_pictures(), None, tmp_path / "model.onnx")
    ours = CheckpointSegmenter(tmp_path / "best.pt")
    with Segmenter(tmp_path / "model.onnx") as exported:
        assert ours.threshold == exported.threshold
        for picture in pictures:
            expected, found = exported(picture), ours(picture)
            assert np.abs(found.probability - expected.probability).max() < 2e-3
            assert (found.mask != expected.mask).mean() < 5e-3


@pytest.mark.parametrize("colour", CHANNELS)
def test_the_network_sees_the_colours_that_it_was_trained_on(checkpoint, colour, tmp_path):
    made = checkpoint(colour)
    made.save(tmp_path / "best.pt")
    picture = np.full((64, 64, 3), (60, 110, 200), np.uint8)
    picture[20:40, 10:50] = (30, 40, 90)
    rgb = picture[:, :, ::-1].astype(np.float32) / 255
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV) / np.float32([360, 1, 1])
    planes = {
        "cielab": cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB) / (100, 255, 255) + (0, 128 / 255, 128 / 255),
        "rgb": rgb,
        "hsv": hsv,
        "hsv+rgb": np.concatenate([hsv, rgb], axis=2),
        "gray": cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[:, :, None],
    }[colour]
    image = torch.from_numpy(planes.transpose(2, 0, 1)[None].astype(np.float32))
    with torch.no_grad():
        expected = torch.sigmoid(made.build()(image))[0, 0].numpy()
    found = CheckpointSegmenter(tmp_path / "best.pt")(picture).probability
    assert np.abs(found - expected).max() < 2e-3


def between_class_variance(levels, level):
    low, high = levels[levels <= level], levels[levels > level]
    if not (low.size and high.size):
        return 0.0
    return low.size * high.size * (low.mean() - high.mean()) ** 2


def test_otsu_parts_the_levels_with_the_largest_variance_between_classes():
    generator = np.random.default_rng(0)
    probability = np.concatenate([generator.beta(2, 12, 3000), generator.beta(9, 2, 1500)])
    probability = probability.astype(np.float32).reshape(50, 90)
    levels = np.rint(probability * 255)
    best = max(range(255), key=lambda level: between_class_variance(levels, level))
    threshold = otsu_threshold(probability)
    assert np.array_equal(probability >= threshold, levels > best)
    assert 0.3 < threshold < 0.6


def test_with_otsu_each_picture_has_its_own_threshold(checkpoint, pictures, tmp_path):
    checkpoint().save(tmp_path / "best.pt")
    found = [CheckpointSegmenter(tmp_path / "best.pt", otsu=True)(picture) for picture in pictures]
    for segmentation in found:
        assert segmentation.threshold == otsu_threshold(segmentation.probability)
        enlarged = cv2.resize(segmentation.probability, segmentation.mask.shape[::-1])
        clear = np.abs(enlarged - segmentation.threshold) > 1e-3
        assert np.array_equal((enlarged >= segmentation.threshold)[clear], segmentation.mask[clear] > 0)
    assert len({segmentation.threshold for segmentation in found}) > 1
