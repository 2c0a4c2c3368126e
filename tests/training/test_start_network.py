"""A run that starts from a model has the network of that model."""

from __future__ import annotations

from dataclasses import replace

import onnx
import pytest
import torch
from runs import LEARNED_FROM

from aernet.errors import ModelError, SourceError
from aernet.export import export
from aernet.models import bundled_models
from aernet.training.checkpoint import Checkpoint, load_checkpoint
from aernet.training.origin import read_origin
from aernet.training.settings import load_settings
from aernet.training.start_network import require_same_network, settings_of_run
from aernet.training.train import train

ENCODER, WIDTHS = "test_efficientnet", [16, 16, 8, 8]


@pytest.fixture(scope="module")
def models(tmp_path_factory, examples):
    """Return a checkpoint, and the ONNX file exported from it."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    settings = load_settings("aernet-b1", encoder=ENCODER, widths=WIDTHS, sizes=[32, 64])
    history = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
    checkpoint = Checkpoint(settings, LEARNED_FROM, settings.build().state_dict(), {}, {}, history, 0.45)
    checkpoint.save(folder / "best.pt")
    export(checkpoint, examples[:1], None, folder / "model.onnx")
    return folder / "best.pt", folder / "model.onnx"


def test_without_a_preset_the_network_is_the_model_s_and_the_recipe_the_default_one(models):
    expected = load_settings("aernet-v2b0", encoder=ENCODER, widths=WIDTHS, sizes=[64], epochs=3)
    assert [settings_of_run(None, model, epochs=3) for model in models] == [expected, expected]
    assert settings_of_run(None, None, epochs=3) == load_settings("aernet-v2b0", epochs=3)


def test_bundled_models_are_what_their_presets_built():
    for name, preset in (("aernet", "aernet"), ("aernet-b1", "aernet-b1-imagenet")):
        settings = settings_of_run(None, bundled_models()[name])
        assert settings.network == load_settings(preset).network
        assert settings.sizes == [256]


def test_a_preset_that_contradicts_the_model_is_refused_with_both_values(models):
    for model in models:
        agreeing = load_settings("aernet-v2b0", encoder=ENCODER, widths=WIDTHS, sizes=[96])
        require_same_network(agreeing, read_origin(model))
        for change, message in (
            (
                {"widths": [16, 16, 8, 8, 8]},
                r"has widths \[16, 16, 8, 8\], but the preset widths \[16, 16, 8, ",
            ),
            ({"encoder": "vgg16"}, "has encoder test_efficientnet, but the preset encoder vgg16"),
            ({"colour": "rgb"}, "has colour cielab, but the preset colour rgb"),
            ({"architecture": "unet"}, "has architecture aernet, but the preset architecture unet"),
        ):
            with pytest.raises(SourceError, match=f"{model.name}: {message}"):
                require_same_network(replace(agreeing, **change), read_origin(model))


def test_a_model_that_does_not_tell_needs_a_preset(models, dataset, tmp_path):
    model = onnx.load(models[1])
    kept = [entry for entry in model.metadata_props if entry.key != "aernet.network"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    older = tmp_path / "older.onnx"
    onnx.save(model, older)
    with pytest.raises(ModelError, match=r"older\.onnx: does not say how its network is built"):
        settings_of_run(None, older)
    settings = settings_of_run(None, models[0], epochs=1)
    train(settings, dataset, tmp_path / "run", start=older)
    assert len(load_checkpoint(tmp_path / "run" / "last.pt").history) == 1
    with pytest.raises(ModelError, match="of its tensors would be left over"):
        train(replace(settings, widths=[16, 16, 8, 8, 8]), dataset, tmp_path / "other", start=older)


def test_an_epoch_goes_on_from_what_the_model_knew(dataset, encoder_weights, examples, tmp_path):
    settings = load_settings(
        "aernet-v2b0", encoder=ENCODER, widths=WIDTHS, sizes=[32], epochs=8, batch_size=8, learning_rate=3e-3
    )
    train(settings, dataset, tmp_path / "first", encoder_weights=encoder_weights)
    first = load_checkpoint(tmp_path / "first" / "best.pt")
    export(first, examples[:1], None, tmp_path / "first.onnx")
    gentle = replace(settings_of_run(None, tmp_path / "first.onnx", epochs=1), learning_rate=1e-6)
    train(gentle, dataset, tmp_path / "second", start=tmp_path / "first.onnx")
    (row,) = load_checkpoint(tmp_path / "second" / "best.pt").history
    assert row["val_jaccard"] > first.history[-1]["val_jaccard"] - 0.05
