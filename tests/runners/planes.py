"""Models that give a plane of their input as the probability, on every device, and what they should give."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
from engine.models import METADATA, write_crafted
from fakes.tensorrt import VERSION, FakeTensorRt, PlaneNetwork
from onnx import TensorProto, helper, numpy_helper
from tolerances import COLOUR, PROBABILITY

import aernet.runners.tensorrt
from aernet import mask_from_probability, preprocess
from aernet.arrays import picture_size
from aernet.engine.manifest import load_manifest
from aernet.runners.tensorrt import TensorRtRunner

THRESHOLD = 0.4


def metadata_of(size):
    return METADATA | {"aernet.size": str(size), "aernet.threshold": str(THRESHOLD)}


def write_plane_model(path, plane, size):
    weights = np.zeros((1, 3, 1, 1), np.float32)
    weights[0, plane] = 1
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weights"], ["probability"])],
        "plane",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", 1, size, size])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, metadata_of(size))
    onnx.save(model, path)
    return path


def open_plane_engine(monkeypatch, folder, gpu, plane, size, *, batch=(1, 1, 8), graphs=True):
    """Open an engine over a fake TensorRT; `gpu` has `copy`, which queues one, and `need_context`."""
    runtime = FakeTensorRt(PlaneNetwork(gpu.copy, plane, gpu.need_context), size=size)
    monkeypatch.setattr(aernet.runners.tensorrt, "open_runtime", lambda _: runtime)
    monkeypatch.setattr(aernet.runners.tensorrt, "installed_runtimes", lambda: {"tensorrt-rtx": VERSION})
    # It shall run on any GPU.
    monkeypatch.setattr(aernet.runners.tensorrt, "require_compatible", lambda path, *_: load_manifest(path))
    path = write_crafted(
        folder / "plane.engine",
        write_plane_model(folder / "plane.onnx", plane, size),
        batch=batch,
        metadata=metadata_of(size),
    )
    return TensorRtRunner(path, graphs=graphs), runtime


def expected(frame, colour, plane=0, size=64):
    """The plane, and the mask of it, by the CPU's half of the extension."""
    probability = preprocess(frame, size, colour)[plane]
    return mask_from_probability(probability, *picture_size(frame, colour), THRESHOLD), probability


def answer_of(prediction, colour="bgr", threshold=THRESHOLD):
    """The mask at the frame's size, and the probability map."""
    mask = prediction.mask(*picture_size(prediction.frame, colour), threshold)
    return np.asarray(mask), prediction.to_host()


def answers(runner, frames, colour="bgr", threshold=THRESHOLD):
    return [answer_of(prediction, colour, threshold) for prediction in runner.predict(frames, colour)]


def masks_on_device(runner, frames, colour="bgr", threshold=THRESHOLD):
    """Each frame's mask as it lies on the GPU."""
    return [
        prediction.mask(*picture_size(prediction.frame, colour), threshold)
        for prediction in runner.predict(frames, colour)
    ]


def assert_agrees(answer, wanted, tolerance=COLOUR, threshold=THRESHOLD):
    """Masks may differ where the probability is near the threshold."""
    (mask, probability), (wanted_mask, wanted_probability) = answer, wanted
    assert probability.dtype == np.float32
    assert np.abs(probability - wanted_probability).max() <= tolerance
    assert np.isin(mask, (0, 255)).all()
    height, width = wanted_mask.shape
    between = cv2.resize(wanted_probability, (width, height), interpolation=cv2.INTER_LINEAR)
    decided = np.abs(between - threshold) > tolerance + PROBABILITY
    np.testing.assert_array_equal(mask[decided], wanted_mask[decided])
