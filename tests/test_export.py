from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from runs import LEARNED_FROM

from aernet import Segmenter, export, preprocess
from aernet.cli.cards import card_rows
from aernet.engine.onnx_model import narrowed, read_model
from aernet.errors import ModelError
from aernet.models import NetworkSettings
from aernet.network import build_network
from aernet.pictures import example_pictures, read_picture
from aernet.training.checkpoint import Checkpoint, averaged
from aernet.training.settings import load_settings
from aernet.training.start import start_from


@pytest.fixture(scope="module")
def checkpoint():
    torch.manual_seed(0)
    settings = load_settings("aernet-v2b0", encoder="test_efficientnet", widths=[16, 16, 8, 8, 8], sizes=[64])
    network = build_network(settings.architecture, settings.encoder, settings.widths)
    history = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
    return Checkpoint(settings, LEARNED_FROM, network.state_dict(), {}, {}, history, 0.45)


@pytest.fixture(scope="module")
def model(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    difference = export.export(checkpoint, example_pictures(), None, path)
    assert difference < 1e-4
    return path


@pytest.fixture
def traced(model, monkeypatch):
    """Have the graph of the network, whose tracing takes most of an export's time, taken from `model`."""

    def traced(*_):
        proto = onnx.load(model)
        del proto.metadata_props[:]
        return proto

    monkeypatch.setattr(export, "_to_onnx", traced)
    return traced


def test_onnx_runtime_gives_what_pytorch_gives_for_any_batch(checkpoint, model):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for count in (1, 2, 5):
        images = np.random.default_rng(count).random((count, 3, 64, 64), dtype=np.float32)
        (probability,) = session.run(["probability"], {"image": images})
        with torch.no_grad():
            expected = torch.sigmoid(checkpoint.build()(torch.from_numpy(images))).numpy()
        assert np.abs(probability - expected).max() < 1e-5


def test_the_segmenter_opens_it_and_reads_its_card(model):
    picture = read_picture(example_pictures()[0])
    with Segmenter(model) as segmenter:
        assert (segmenter.card.name, segmenter.size, segmenter.threshold) == ("aernet", 64, 0.45)
        assert segmenter.card.network == NetworkSettings(
            "aernet", "test_efficientnet", [16, 16, 8, 8, 8], "cielab"
        )
        assert segmenter.card.metrics["jaccard"] == 0.5
        probability = segmenter(picture).probability
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (expected,) = session.run(["probability"], {"image": preprocess(picture, 64)[None]})
    assert np.abs(probability - expected[0, 0]).max() < 1e-5


@pytest.mark.usefixtures("traced")
def test_measured_metrics_go_into_the_card(checkpoint, tmp_path):
    metrics = {"protocol": "per-image means", "n": 3, "jaccard": {"mean": 0.8, "ci95": [0.7, 0.9]}}
    export.export(checkpoint, example_pictures(), metrics, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["aernet.metrics"]) == metrics


@pytest.mark.usefixtures("traced")
def test_without_measured_ones_the_card_has_the_metrics_of_this_very_network(checkpoint, tmp_path):
    history = [{"epoch": 1, "val_jaccard": 0.9, "val_dice": 0.95}, *checkpoint.history]
    last = replace(checkpoint, history=history)
    export.export(last, example_pictures()[:1], None, tmp_path / "last.onnx")
    assert read_model(tmp_path / "last.onnx").card.metrics["jaccard"] == 0.5
    mean = averaged([checkpoint, last])
    export.export(mean, example_pictures()[:1], None, tmp_path / "mean.onnx")
    with Segmenter(tmp_path / "mean.onnx") as segmenter:
        assert segmenter.card.metrics == {}
    assert "jaccard" not in dict(card_rows(msgspec.to_builtins(segmenter.card)))


@pytest.mark.usefixtures("traced")
def test_many_pictures_are_compared_some_at_a_time(checkpoint, tmp_path, monkeypatch):
    batches = []

    class Session(onnxruntime.InferenceSession):
        def run(self, names, inputs):
            batches.append(len(inputs["image"]))
            return super().run(names, inputs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)

    def difference(*pictures):
        return export.export(checkpoint, pictures, None, tmp_path / "model.onnx", half_weights=True)

    first, second, *_ = example_pictures()
    largest = max(difference(first), difference(second))
    batches.clear()
    for many, one in ((first, second), (second, first)):
        assert difference(*[many] * 16, one) == pytest.approx(largest, rel=1e-3)
    assert batches == [16, 1] * 4


@pytest.mark.usefixtures("traced")
def test_half_weights_halve_the_file_and_hardly_change_the_answer(checkpoint, model, tmp_path):
    path = tmp_path / "half.onnx"
    difference = export.export(checkpoint, example_pictures(), None, path, half_weights=True)
    assert path.stat().st_size < 0.6 * model.stat().st_size
    images = np.stack([preprocess(read_picture(picture), 64) for picture in example_pictures()])
    with torch.no_grad():
        expected = torch.sigmoid(checkpoint.build()(torch.from_numpy(images))).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (probability,) = session.run(["probability"], {"image": images})
    assert np.abs(probability - expected).max() == pytest.approx(difference, abs=1e-6)
    assert 1e-6 < difference < 5e-3


@pytest.mark.usefixtures("traced")
def test_half_weights_are_float32_again_for_engines_and_for_training(checkpoint, model, tmp_path):
    path = tmp_path / "half.onnx"
    export.export(checkpoint, example_pictures(), None, path, half_weights=True)
    wide = read_model(path)
    expected = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(model).graph.initializer}
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in wide.proto.graph.initializer}
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        assert weight.dtype == expected[name].dtype
        np.testing.assert_allclose(weight, expected[name], rtol=1e-3, atol=1e-7)
    assert set(wide.layer_types) == {"float32"}
    fresh, images = checkpoint.build(), torch.rand(2, 3, 64, 64)
    start_from(fresh, path, images)
    for name in ("decoder.stages.0.upsample.weight", "head.weight"):
        torch.testing.assert_close(fresh.state_dict()[name], checkpoint.network[name], rtol=1e-3, atol=1e-4)


def test_weights_that_float16_cannot_hold_stay_float32(model):
    large = onnx.load(model)
    tensor = max(large.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + np.float32(1e5), tensor.name))
    stored = {entry.name: entry.data_type for entry in narrowed(large).graph.initializer}
    assert stored[tensor.name] == onnx.TensorProto.FLOAT
    assert onnx.TensorProto.FLOAT16 in stored.values()


def test_a_graph_that_answers_differently_is_not_written(checkpoint, traced, tmp_path, monkeypatch):
    def corrupted(*_):
        proto = traced()
        (bias,) = [tensor for tensor in proto.graph.initializer if tensor.name.endswith("head.bias")]
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(0.01), bias.name))
        return proto

    monkeypatch.setattr(export, "_to_onnx", corrupted)
    with pytest.raises(ModelError, match=r"model\.onnx: not written, ONNX Runtime and PyTorch disagree by"):
        export.export(checkpoint, example_pictures(), None, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_another_colour_space_than_cielab_is_refused(checkpoint, tmp_path):
    other = replace(checkpoint, settings=replace(checkpoint.settings, colour="hsv"))
    with pytest.raises(
        ModelError, match=r"model\.onnx: not written, the network sees hsv, and models see CIELAB"
    ):
        export.export(other, example_pictures(), None, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_file_tells_nothing_of_the_machine_that_wrote_it(model):
    content = model.read_bytes()
    assert b".py" not in content
    assert b"/site-packages/" not in content


def test_a_head_that_doubles_the_resolution_is_a_convolution_at_half_of_it(tmp_path):
    torch.manual_seed(0)
    settings = load_settings("aernet-v2b0", encoder="test_efficientnet", widths=[16, 16, 8, 8], sizes=[64])
    network = build_network(settings.architecture, settings.encoder, settings.widths)
    torch.nn.init.normal_(network.head.bias)
    history = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
    checkpoint = Checkpoint(settings, LEARNED_FROM, network.state_dict(), {}, {}, history, 0.45)
    path = tmp_path / "model.onnx"
    assert export.export(checkpoint, example_pictures(), None, path) < 1e-5
    *_, convolution, interleave, sigmoid = onnx.load(path).graph.node
    assert [convolution.op_type, interleave.op_type, sigmoid.op_type] == ["Conv", "DepthToSpace", "Sigmoid"]
    fresh = checkpoint.build()
    torch.nn.init.zeros_(fresh.head.weight)
    start_from(fresh, path, torch.rand(2, 3, 64, 64))
    for name in ("head.weight", "head.bias"):
        torch.testing.assert_close(fresh.state_dict()[name], checkpoint.network[name])
