from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from aernet.errors import ModelError, SourceError
from aernet.export import export
from aernet.network import aernet
from aernet.pictures import example_pictures
from aernet.training.checkpoint import Checkpoint
from aernet.training.settings import load_settings
from aernet.training.start import start_from

ENCODER = "mobilenetv3_small_050"
WIDTHS = [16, 16, 8, 8]


@pytest.fixture(scope="module")
def trained():
    """A network whose normalisations have statistics of their own, as after training."""
    torch.manual_seed(0)
    network = aernet(ENCODER, WIDTHS)
    network.standardisation.fit(torch.rand(50, 3), torch.rand(50, 3))
    network.train()
    for _ in range(3):
        network(torch.rand(4, 3, 64, 64))
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.uniform_(parameter, -0.5, 0.5)
    return network.eval()


@pytest.fixture(scope="module")
def checkpoint(trained, tmp_path_factory):
    settings = load_settings("aernet-v2b0", encoder=ENCODER, widths=WIDTHS, sizes=[64])
    history = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
    checkpoint = Checkpoint(settings, trained.state_dict(), {}, {}, history, 0.45)
    checkpoint.save(tmp_path_factory.mktemp("run") / "best.pt")
    return checkpoint


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    export(checkpoint, example_pictures(), None, path)
    return path


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.rand(8, 3, 64, 64)


def fresh(widths=WIDTHS):
    torch.manual_seed(2)
    network = aernet(ENCODER, widths)
    network.standardisation.fit(torch.rand(50, 3), torch.rand(50, 3))
    return network


def answers(model, images):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["probability"], {"image": images.numpy()})[0]


def test_from_an_exported_model_the_network_is_the_same_function(exported, images):
    network = fresh()
    assert start_from(network, exported, images) == []
    network.eval()
    other = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        for pictures in (images, other):
            probability = torch.sigmoid(network(pictures)).numpy()
            assert np.abs(probability - answers(exported, pictures)).max() < 1e-4


def test_and_its_normalisations_know_the_statistics_of_the_pictures(exported, images):
    network = fresh()
    start_from(network, exported, images)
    with torch.no_grad():
        probability = torch.sigmoid(network.train()(images)).numpy()
    # Deep maps have few pixels, whose own spread is not that of the whole batch to the last digit.
    assert np.abs(probability - answers(exported, images)).mean() < 0.02


def test_from_a_checkpoint_the_weights_are_the_same(checkpoint, images, tmp_path):
    checkpoint.save(tmp_path / "best.pt")
    network = fresh()
    assert start_from(network, tmp_path / "best.pt", images) == []
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, checkpoint.network[name]), name


def test_what_the_source_lacks_stays_as_it_was_and_is_named(exported, images):
    network, untouched = fresh([*WIDTHS, 4]), fresh([*WIDTHS, 4])
    named = start_from(network, exported, images)
    assert "head" in named
    assert "decoder.stages.4.upsample" in named
    assert all(name == "head" or name.startswith("decoder.stages.4.") for name in named)
    assert torch.equal(network.head.weight, untouched.head.weight)


def test_what_is_no_model_is_named(images, tmp_path):
    (tmp_path / "wrong.onnx").write_bytes(b"\xff\xff not a model")
    with pytest.raises(ModelError, match=r"wrong\.onnx: expected a checkpoint \(\.pt\) or an ONNX model"):
        start_from(fresh(), tmp_path / "wrong.onnx", images)
    with pytest.raises(ModelError, match=r"absent\.onnx"):
        start_from(fresh(), tmp_path / "absent.onnx", images)
    with pytest.raises(SourceError, match=r"absent\.pt: no such file"):
        start_from(fresh(), tmp_path / "absent.pt", images)


def test_a_model_of_another_kind_is_named(model, images):
    with pytest.raises(ModelError, match="shares no weight"):
        start_from(fresh(), model, images)
