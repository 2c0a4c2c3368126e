from __future__ import annotations

import hashlib
import re

import numpy as np
import onnx
import pytest
from engine.models import write_crafted
from fakes.triton import RefusedError, Server, install
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from aernet import EngineError, ModelError, Segmenter, preprocess
from aernet.errors import OutputError
from aernet.evaluation.metrics import score
from aernet.models import bundled_models
from aernet.pictures import read_picture
from aernet.triton import repository as module
from aernet.triton.repository import write_repository

TYPES = {
    onnx.TensorProto.FLOAT: DataType.TYPE_FP32,
    onnx.TensorProto.UINT8: DataType.TYPE_UINT8,
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("triton") / "models"
    names = write_repository(bundled_models()["aernet"], folder, 4)
    assert sorted(names) == sorted(path.name for path in folder.iterdir())
    return folder


@pytest.fixture
def server(repository, monkeypatch):
    install(monkeypatch)
    return Server(repository)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_model_whose_name_is_no_folder_writes_nothing(tmp_path, name):
    parent = tmp_path / "parent"
    parent.mkdir()
    (parent / "config.pbtxt").write_text("mine")
    model = tmp_path / "model.onnx"
    changed = onnx.load(bundled_models()["aernet"])
    next(entry for entry in changed.metadata_props if entry.key == "aernet.name").value = name
    onnx.save(changed, model)
    with pytest.raises(ModelError, match=rf"^aernet\.name: the model is called '{re.escape(name)}'"):
        write_repository(model, parent / "models", 4)
    assert [path.name for path in parent.iterdir()] == ["config.pbtxt"]
    assert (parent / "config.pbtxt").read_text() == "mine"


def content(path):
    return np.frombuffer(path.read_bytes(), np.uint8)[None]


def test_the_ensemble_gives_the_segmenter_s_masks(server, examples):
    with Segmenter("aernet", device="cpu") as segmenter:
        for path in examples:
            (mask,) = server("aernet", picture=content(path))["mask"]
            np.testing.assert_array_equal(mask, segmenter(path).mask)
            assert mask.any()


def test_the_network_alone_gives_its_probability(server, examples):
    images = np.stack([preprocess(read_picture(path)) for path in examples[:4]])
    answer = server("aernet_network", image=images)["probability"]
    with Segmenter("aernet", device="cpu") as segmenter:
        for probability, path in zip(answer[:, 0], examples, strict=False):
            np.testing.assert_array_equal(np.minimum(probability, 1), segmenter(path).probability)


def test_frames_need_no_python(server, examples):
    frame = read_picture(examples[0])
    masks = server("aernet_frames", frames=np.stack([frame, frame[::-1]]))["mask"]
    with Segmenter("aernet", device="cpu") as segmenter:
        for mask, one in zip(masks, (frame, frame[::-1]), strict=True):
            assert score(mask, segmenter(one).mask).dice >= 0.999


def test_a_turned_picture_has_a_mask_of_its_upright_size(server, segmenter_size_of):
    path, size = segmenter_size_of
    assert server("aernet", picture=content(path))["mask"].shape[1:] == size


@pytest.fixture
def segmenter_size_of(examples, tmp_path):
    """A picture whose EXIF orientation turns it, and its upright size."""
    from PIL import Image

    with Image.open(examples[0]) as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(tmp_path / "turned.jpg", exif=exif)
        return tmp_path / "turned.jpg", image.size


def test_what_is_no_picture_is_told_to_the_client(server):
    with pytest.raises(RefusedError, match=r"^picture: expected a picture, found an HTML page"):
        server("aernet", picture=np.frombuffer(b"<html>", np.uint8)[None])


def test_configurations_are_as_the_graphs_beside_them(repository, server):
    for name in ("aernet_network", "aernet_frames"):
        graph = onnx.load(repository / name / "1" / "model.onnx").graph
        config = server.configs[name]
        assert config.max_batch_size == 4
        for values, declared in ((graph.input, config.input), (graph.output, config.output)):
            found = [
                (
                    value.name,
                    TYPES[value.type.tensor_type.elem_type],
                    [size.dim_value or -1 for size in value.type.tensor_type.shape.dim][1:],
                )
                for value in values
            ]
            assert [(value.name, value.data_type, list(value.dims)) for value in declared] == found


def test_an_engine_of_tensorrt(network, tmp_path):
    engine = write_crafted(
        tmp_path / "darker.engine", network, runtime="tensorrt", runtime_version="10.3.0.26"
    )
    names = write_repository(engine, tmp_path / "models", 8)
    assert names == ["darker", "darker_network", "darker_prepare", "darker_mask"]
    folder = tmp_path / "models" / "darker_network"
    config = text_format.Parse((folder / "config.pbtxt").read_text(), ModelConfig())
    assert (config.backend, config.max_batch_size) == ("tensorrt", 8)
    assert (folder / "1" / "model.plan").read_bytes() == engine.read_bytes()


@pytest.mark.parametrize(
    ("changes", "batch", "reason"),
    [
        ({}, 8, "is for tensorrt-rtx, but Triton runs engines of TensorRT"),
        ({"runtime": "tensorrt"}, 16, "takes 1 to 8 pictures in one run, expected 1 to 16"),
        ({"runtime": "tensorrt", "batch": (2, 2, 8)}, 8, "takes 2 to 8 pictures"),
        (
            {"runtime": "tensorrt", "plan_sha256": hashlib.sha256(b"").hexdigest()},
            8,
            "not the file that its manifest was written for",
        ),
    ],
)
def test_an_engine_that_triton_cannot_run(network, tmp_path, changes, batch, reason):
    engine = write_crafted(tmp_path / "darker.engine", network, **changes)
    with pytest.raises(EngineError, match=reason):
        write_repository(engine, tmp_path / "models", batch)
    assert not (tmp_path / "models").exists()


def test_a_folder_with_something_in_it_is_left_alone(model, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds files already"):
        write_repository(model, tmp_path / "models", 8)
    assert [path.name for path in tmp_path.rglob("*")] == ["models", "mine.txt"]


def test_it_is_whole_or_not_there(model, tmp_path, monkeypatch):
    def fail(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_whole_graph", fail)
    with pytest.raises(KeyboardInterrupt):
        write_repository(model, tmp_path / "models", 8)
    assert list(tmp_path.iterdir()) == []


def test_the_command(command, model, tmp_path):
    (tmp_path / "models").mkdir()
    done = command("export-triton", tmp_path / "models", "--model", model, "--max-batch", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        str(tmp_path / "models" / name)
        for name in ("dark", "dark_network", "dark_prepare", "dark_mask", "dark_frames")
    ]
    config = (tmp_path / "models" / "dark_network" / "config.pbtxt").read_text()
    assert text_format.Parse(config, ModelConfig()).max_batch_size == 2
    again = command("export-triton", tmp_path / "models", "--model", model)
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert "holds files already" in again.stderr


def test_an_engine_is_not_for_onnx_runtime(command, tmp_path):
    engine = tmp_path / "x.engine"
    engine.touch()
    failed = command("export-triton", tmp_path / "models", "--model", engine, "--runtime", "onnxruntime")
    assert failed.returncode == 1
    assert "an engine runs in TensorRT" in failed.stderr
