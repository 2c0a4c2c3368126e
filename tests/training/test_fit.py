from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from aernet.errors import AernetError, SourceError
from aernet.training import fit as fitting
from aernet.training.checkpoint import load_checkpoint
from aernet.training.fit import train
from aernet.training.validate import validate


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


def test_a_resumed_run_is_the_uninterrupted_one(dataset, encoder_weights, settings, tmp_path, monkeypatch):
    train(settings, dataset, tmp_path / "whole", encoder_weights=encoder_weights)

    epochs = []

    def stop_in_the_third_epoch(fabric, network, pictures):
        epochs.append(network)
        if len(epochs) == 3:
            raise KeyboardInterrupt
        return validate(fabric, network, pictures)

    monkeypatch.setattr(fitting, "validate", stop_in_the_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        train(settings, dataset, tmp_path / "halved", encoder_weights=encoder_weights)
    monkeypatch.setattr(fitting, "validate", validate)
    train(settings, dataset, tmp_path / "halved", resume=True)

    whole, halved = (load_checkpoint(tmp_path / name / "last.pt") for name in ("whole", "halved"))
    for column in ("loss", "val_jaccard", "threshold"):
        assert [row[column] for row in whole.history] == [row[column] for row in halved.history]
    for name, weight in whole.network.items():
        assert torch.equal(weight, halved.network[name]), name


def test_a_run_is_neither_overwritten_nor_resumed_with_other_settings(
    dataset, encoder_weights, settings, tmp_path
):
    settings = replace(settings, epochs=1)
    train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    with pytest.raises(AernetError, match="holds a run already; go on with --resume"):
        train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    with pytest.raises(SourceError, match="was started with other settings"):
        train(replace(settings, epochs=2), dataset, tmp_path, resume=True)


def test_a_loss_that_is_not_a_number_stops_the_run(dataset, encoder_weights, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "segmentation_loss", lambda *_: torch.tensor(np.nan, requires_grad=True))
    with pytest.raises(AernetError, match="epoch 1: the loss is nan; lower the learning rate"):
        train(settings, dataset, tmp_path, encoder_weights=encoder_weights)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_there_are_named(dataset, settings, tmp_path):
    with pytest.raises(SourceError, match=r"encoder weights .*absent\.pth: no such file"):
        train(settings, dataset, tmp_path, encoder_weights=tmp_path / "absent.pth")
    (tmp_path / "wrong.pth").write_bytes(b"not weights")
    with pytest.raises(AernetError, match=r"its weights cannot be had .* --encoder-weights"):
        train(settings, dataset, tmp_path, encoder_weights=tmp_path / "wrong.pth")
