from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from aernet.errors import AernetError, SourceError
from aernet.training import epochs
from aernet.training.checkpoint import load_checkpoint
from aernet.training.train import train


def test_training_learns_and_keeps_its_log(dataset, encoder_weights, settings, tmp_path):
    settings = replace(settings, epochs=12)
    train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 13))
    assert [int(row["size"]) for row in rows] == [32] * 6 + [64] * 6
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    best = load_checkpoint(tmp_path / "best.pt")
    assert best.history[-1]["val_jaccard"] == pytest.approx(max(float(row["val_jaccard"]) for row in rows))
    assert best.history[-1]["val_jaccard"] > 0.7
    assert best.settings == settings


def test_a_run_is_neither_overwritten_nor_resumed_with_other_settings(
    dataset, encoder_weights, settings, tmp_path
):
    settings = replace(settings, epochs=1, seed=20240101)  # larger than seeds of NumPy over those of an epoch
    train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    with pytest.raises(AernetError, match="holds a run already; go on with --resume"):
        train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    with pytest.raises(SourceError, match="was started with other settings"):
        train(replace(settings, epochs=2), dataset, tmp_path, resume=True)


def test_a_loss_that_is_not_a_number_stops_the_run_and_leaves_the_batch(
    dataset, encoder_weights, settings, tmp_path, monkeypatch
):
    batches = []

    def not_a_number_at_the_third_step(_name, logits, mask):
        batches.append(mask.numpy())
        return logits.mean() * (np.nan if len(batches) == 3 else 1)

    monkeypatch.setattr(epochs, "segmentation_loss", not_a_number_at_the_third_step)
    with pytest.raises(
        AernetError, match=r"^epoch 2: the loss is nan on ISIC_.*lower the learning rate$"
    ) as error:
        train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    path = tmp_path / "nan-batch.npz"
    assert str(path) in str(error.value)
    with np.load(path) as batch:
        assert len(batch["image_ids"]) == settings.batch_size
        assert all(image_id in str(error.value) for image_id in batch["image_ids"])
        np.testing.assert_array_equal(batch["mask"], batches[2])
        assert batch["rgb"].shape == (settings.batch_size, 3, *batch["mask"].shape[2:])
    assert load_checkpoint(tmp_path / "last.pt").history[-1]["epoch"] == 1


def test_weights_that_are_not_there_are_named(dataset, settings, tmp_path):
    with pytest.raises(SourceError, match=r"encoder weights .*absent\.pth: no such file"):
        train(settings, dataset, tmp_path, encoder_weights=tmp_path / "absent.pth")
    (tmp_path / "wrong.pth").write_bytes(b"not weights")
    with pytest.raises(AernetError, match=r"its weights cannot be had .* --encoder-weights"):
        train(settings, dataset, tmp_path, encoder_weights=tmp_path / "wrong.pth")


def test_what_a_run_would_not_look_at_is_refused(dataset, encoder_weights, settings, model, tmp_path):
    random = replace(settings, pretrained=False)
    for chosen, given, message in (
        (settings, {"resume": True, "start": model}, "--start: a run goes on with what it was started with"),
        (settings, {"resume": True, "teachers": [model]}, "--teacher: a run goes on with"),
        (settings, {"resume": True, "encoder_weights": encoder_weights}, "--encoder-weights: a run goes on"),
        (settings, {"start": model, "encoder_weights": encoder_weights}, "--encoder-weights: the run starts"),
        (random, {"encoder_weights": encoder_weights}, "--encoder-weights: the network starts from random"),
    ):
        with pytest.raises(SourceError, match=message):
            train(chosen, dataset, tmp_path, **given)
    assert not list(tmp_path.iterdir())
