from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from aernet.errors import ModelError, SourceError
from aernet.training.checkpoint import load_checkpoint
from aernet.training.dataset import load_subset
from aernet.training.distil import distilled, load_masks, save_masks
from aernet.training.train import train

STEEPNESS = 20.0


@pytest.fixture
def pictures(dataset):
    return load_subset(dataset, "val", 64)


def test_a_mask_is_halfway_between_the_experts_and_the_mean_of_the_teachers(pictures, write_model, tmp_path):
    biases = (12.0, 16.0)
    teachers = [write_model(tmp_path / f"{bias}.onnx", bias=bias) for bias in biases]
    learned = distilled(pictures, teachers)
    assert torch.equal(learned.rgb, pictures.rgb)
    for rgb, expert, mask in zip(pictures.rgb, pictures.mask, learned.mask, strict=True):
        lab = cv2.cvtColor(rgb.numpy().transpose(1, 2, 0).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        answers = [1 / (1 + np.exp(STEEPNESS * lab[:, :, 0] / 100 - bias)) for bias in biases]
        expected = (expert[0].numpy() + 255 * np.mean(answers, axis=0)) / 2
        assert np.abs(mask[0].numpy() - expected).max() < 2.5  # OpenCV's CIELAB is up to 2.8e-3 off


def test_a_teacher_of_another_size_serves(pictures, write_model, metadata, tmp_path):
    small = write_model(tmp_path / "small.onnx", metadata | {"aernet.size": "32"}, size=32)
    assert distilled(pictures, [small]).mask.shape == pictures.mask.shape


def test_a_run_that_goes_on_need_not_ask_its_teachers_again(
    dataset, encoder_weights, settings, model, tmp_path, interrupt_in_epoch
):
    settings = replace(settings, epochs=2, sizes=[32])
    arguments = settings, dataset
    train(*arguments, tmp_path / "whole", encoder_weights=encoder_weights, teachers=[model])
    train(*arguments, tmp_path / "untaught", encoder_weights=encoder_weights)

    interrupt_in_epoch(2)
    with pytest.raises(KeyboardInterrupt):
        train(*arguments, tmp_path / "halved", encoder_weights=encoder_weights, teachers=[model])
    masks, kept = tmp_path / "halved" / "distilled.npz", tmp_path / "kept.npz"
    masks.rename(kept)
    with pytest.raises(SourceError, match=r"distilled\.npz: cannot be read as the masks that the run learns"):
        train(*arguments, tmp_path / "halved", resume=True)
    kept.rename(masks)
    last = tmp_path / "halved" / "last.pt"
    replace(load_checkpoint(last), taught=None).save(last)  # as an earlier aernet wrote it
    train(*arguments, tmp_path / "halved", resume=True)

    whole, halved, untaught = (
        [row["loss"] for row in load_checkpoint(tmp_path / name / "last.pt").history]
        for name in ("whole", "halved", "untaught")
    )
    assert whole == halved
    assert whole != untaught


def test_a_run_without_teachers_learns_nothing_of_an_earlier_one(
    dataset, encoder_weights, settings, model, tmp_path, interrupt_in_epoch
):
    settings = replace(settings, epochs=1, sizes=[32])
    interrupt_in_epoch(1)
    with pytest.raises(KeyboardInterrupt):
        train(settings, dataset, tmp_path, encoder_weights=encoder_weights, teachers=[model])
    assert (tmp_path / "distilled.npz").exists()
    train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    assert not (tmp_path / "distilled.npz").exists()
    assert load_checkpoint(tmp_path / "last.pt").taught is False


def test_masks_of_other_pictures_are_refused(dataset, pictures, tmp_path):
    save_masks(pictures, tmp_path / "distilled.npz")
    with pytest.raises(SourceError, match=r"distilled\.npz: holds masks of \(4, 1, 64, 64\), the pictures"):
        load_masks(load_subset(dataset, "train", 64), tmp_path / "distilled.npz")


def test_what_is_no_model_is_named(pictures, tmp_path):
    with pytest.raises(ModelError, match=r"absent\.onnx: no such model"):
        distilled(pictures, [tmp_path / "absent.onnx"])
