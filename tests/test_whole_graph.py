from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from frames import lab_in_double, planes, resized
from onnx import TensorProto, helper
from tolerances import EXACT_COLOUR

from aernet import Segmenter, preprocess, whole_graph
from aernet.errors import ModelError
from aernet.evaluation.metrics import score
from aernet.models import bundled_models
from aernet.pictures import read_picture
from aernet.whole_graph import write_whole_graph

SIZES = [
    (1, 1),
    (1, 300),
    (64, 80),
    (255, 999),
    (256, 256),
    (257, 256),
    (300, 200),
    (511, 1023),
    (1080, 1920),
]


@pytest.fixture(scope="module")
def whole(examples, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "whole.onnx"
    assert write_whole_graph(bundled_models()["aernet"], path, examples[:1]) >= 0.999
    return path


def masks(path, frames, output="mask"):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run([output], {"frames": frames})[0]


@pytest.fixture(scope="module")
def preprocessing(whole):
    """The same graph, which also gives what its network sees."""
    model = onnx.load(whole)
    model.graph.output.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 256, 256]))
    path = whole.with_name("preprocessing.onnx")
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("size", SIZES)
def test_its_network_sees_what_the_colour_contract_says(preprocessing, size):
    frames = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    frames[1] //= 16  # dark
    images = masks(preprocessing, frames, "image")
    for image, frame in zip(images, frames, strict=True):
        expected = planes(lab_in_double(resized(frame, 256)))
        assert np.abs(image - expected).max() < EXACT_COLOUR
        assert np.abs(image - preprocess(frame)).max() < 2 * EXACT_COLOUR


def test_corners_of_the_colour_cube(preprocessing):
    corners = np.array(np.meshgrid([0, 255], [0, 255], [0, 255])).reshape(3, 8).T.astype(np.uint8)
    frame = np.repeat(corners, 32, 0)[None].repeat(256, 0)
    (image,) = masks(preprocessing, frame[None], "image")
    assert np.abs(image - planes(lab_in_double(resized(frame, 256)))).max() < EXACT_COLOUR


def test_its_masks_are_those_of_the_segmenter(whole, examples):
    with Segmenter("aernet", device="cpu") as segmenter:
        for path in examples:
            picture = read_picture(path)
            views = (picture, picture[:211:2, ::3], picture[::5, ::4], picture[:255])
            for frame in map(np.ascontiguousarray, views):
                (mask,) = masks(whole, frame[None])
                assert mask.shape == frame.shape[:2]
                assert set(np.unique(mask)) <= {0, 255}
                assert score(mask, segmenter(frame).mask).dice >= 0.999


def test_each_frame_of_a_batch_has_its_own_mask(whole, examples):
    frames = np.stack([np.resize(read_picture(path), (300, 400, 3)) for path in examples[:3]])
    alone = np.concatenate([masks(whole, frame[None]) for frame in frames])
    assert np.mean(masks(whole, frames) != alone) < 1e-4


def test_it_keeps_the_card(whole):
    before, after = (
        {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        for path in (bundled_models()["aernet"], whole)
    )
    assert before == after
    assert "aernet.licence" in after


def test_tensorrt_takes_all_of_its_operators(whole):
    trt = pytest.importorskip("tensorrt_rtx")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    assert parser.parse(whole.read_bytes()), [
        parser.get_error(index).desc() for index in range(parser.num_errors)
    ]
    frames, mask = network.get_input(0), network.get_output(0)
    assert (frames.name, frames.dtype, tuple(frames.shape)) == ("frames", trt.uint8, (-1, -1, -1, 3))
    assert (mask.name, mask.dtype, len(mask.shape)) == ("mask", trt.uint8, 3)
    profile, config = builder.create_optimization_profile(), builder.create_builder_config()
    profile.set_shape("frames", (1, 1, 1, 3), (1, 1080, 1920, 3), (2, 2160, 3840, 3))
    config.add_optimization_profile(profile)
    assert builder.build_serialized_network(network, config) is not None


def test_a_graph_with_other_masks_is_not_written(model, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(whole_graph, "_LAB_OFFSET", np.array([0.1, 0.5, 0.5]))
    with pytest.raises(
        ModelError, match=r"whole\.onnx: not written, .* Dice index of 0\.\d+ \(limit 0\.999\)"
    ):
        write_whole_graph(model, tmp_path / "whole.onnx", examples)
    assert not list(tmp_path.iterdir())


def test_the_segmenter_refuses_it_by_name(whole):
    with pytest.raises(ModelError, match=r"whole\.onnx: it takes frames, not image"):
        Segmenter(whole, device="cpu")


def test_the_command_needs_no_torch(model, tmp_path):
    program = "import sys; sys.modules['torch'] = None; from aernet.cli import main; main()"
    arguments = ("export", model, "--with-preprocessing", "-o", tmp_path / "whole.onnx")
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "whole.onnx: 0.0 MB, Dice " in done.stdout
    onnx.checker.check_model(onnx.load(tmp_path / "whole.onnx"), full_check=True)


def test_what_does_not_go_together(command, model, tmp_path):
    for more, reason in (
        (("--half-weights",), "--half-weights"),
        (("--metrics", tmp_path / "metrics.json"), "ONNX model with its card"),
        (("other.pt",), "ONNX model with its card"),
    ):
        failed = command("export", model, *more, "--with-preprocessing", "-o", tmp_path / "whole.onnx")
        assert failed.returncode == 2
        assert reason in failed.stderr


def test_what_the_page_on_deployment_shows():
    text = (Path(__file__).parents[1] / "docs/deploy.md").read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(programs) == 3
    for program in programs:
        ast.parse(program)
