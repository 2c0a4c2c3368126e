from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from runs import LEARNED_FROM
from shipped_models import FLOAT32

from aernet import preprocess
from aernet.errors import ModelError, SourceError
from aernet.export import export
from aernet.models import bundled_models
from aernet.network import aernet
from aernet.pictures import example_pictures, read_picture
from aernet.training.checkpoint import Checkpoint
from aernet.training.settings import load_settings
from aernet.training.start import start_from
from aernet.training.start_network import settings_of_run

ENCODER = "test_efficientnet"
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
    checkpoint = Checkpoint(settings, LEARNED_FROM, trained.state_dict(), {}, {}, history, 0.45)
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
    start_from(network, exported, images)
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


def test_biases_that_are_0_which_the_exporter_leaves_out_come_back(checkpoint, images, tmp_path):
    weights = {
        name: torch.zeros_like(weight) if name.endswith("bias") else weight
        for name, weight in checkpoint.network.items()
    }
    export(replace(checkpoint, network=weights), example_pictures()[:1], None, tmp_path / "model.onnx")
    assert any(len(node.input) == 2 for node in onnx.load(tmp_path / "model.onnx").graph.node)
    network = fresh()
    start_from(network, tmp_path / "model.onnx", images)
    with torch.no_grad():
        probability = torch.sigmoid(network.eval()(images)).numpy()
    assert np.abs(probability - answers(tmp_path / "model.onnx", images)).max() < 1e-4


def test_from_a_checkpoint_the_weights_are_the_same(checkpoint, images, tmp_path):
    checkpoint.save(tmp_path / "best.pt")
    network = fresh()
    start_from(network, tmp_path / "best.pt", images)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, checkpoint.network[name]), name


@pytest.mark.parametrize("kind", ["exported", "best.pt"])
def test_what_does_not_fit_is_counted_and_named(kind, exported, checkpoint, images, tmp_path):
    checkpoint.save(tmp_path / "best.pt")
    source = exported if kind == "exported" else tmp_path / "best.pt"
    with pytest.raises(ModelError) as error:
        start_from(fresh([*WIDTHS, 4]), source, images)
    of_the_model, of_the_network = str(error.value).split(" left over, and ")
    assert of_the_model.startswith(f"{source}: not of the network that is to start from it: 1 (head.weight) ")
    assert "decoder.stages.4." in of_the_network


@pytest.mark.parametrize("name", FLOAT32)
def test_a_bundled_model_says_how_its_network_is_built(name):
    """The weights alone do not tell: encoders of one name but for "tf_" pad differently."""
    path = bundled_models()[name]
    settings = settings_of_run(None, path)
    network = settings.build()
    pictures = [preprocess(read_picture(picture), settings.size) for picture in example_pictures()[:2]]
    images = torch.from_numpy(np.stack(pictures))
    start_from(network, path, images)
    network.eval()
    with torch.no_grad():
        probability = torch.sigmoid(network(images)).numpy()
    assert np.abs(probability - answers(path, images)).max() < 1e-3


def test_what_is_no_model_is_named(images, tmp_path):
    (tmp_path / "wrong.onnx").write_bytes(b"\xff\xff not a model")
    with pytest.raises(ModelError, match=r"wrong\.onnx: expected an ONNX model, .+ends with \.pt"):
        start_from(fresh(), tmp_path / "wrong.onnx", images)
    with pytest.raises(ModelError, match=r"absent\.onnx"):
        start_from(fresh(), tmp_path / "absent.onnx", images)
    with pytest.raises(SourceError, match=r"absent\.pt: no such file"):
        start_from(fresh(), tmp_path / "absent.pt", images)


def test_a_model_of_another_kind_is_named(model, images):
    with pytest.raises(ModelError, match=r"none of its tensors would be left over, and \d+ "):
        start_from(fresh(), model, images)
