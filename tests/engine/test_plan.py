from __future__ import annotations

import onnx
import pytest
from engine.marks import needs_tensorrt_rtx

from aernet.engine.adapter import BuilderOptions, open_runtime
from aernet.engine.onnx_model import OnnxModel, read_model
from aernet.engine.plan import PlanHeader, require_stored_weights, version_numbers
from aernet.engine.precision import to_half
from aernet.errors import EngineError


@pytest.fixture(scope="module")
def models(network):
    full = read_model(network)
    return {"fp32": full, "fp16": to_half(full)}


@pytest.fixture(scope="module")
def plans(models):
    rtx = open_runtime("tensorrt-rtx")
    return {
        precision: rtx.build(model.proto.SerializeToString(), BuilderOptions(), model.layer_types)[0]
        for precision, model in models.items()
    }


@needs_tensorrt_rtx
def test_the_header_of_a_real_plan(plans, tmp_path):
    import tensorrt_rtx

    path = tmp_path / "real.engine"
    path.write_bytes(plans["fp16"])
    header = PlanHeader.read(path)
    assert header.runtime == "tensorrt-rtx"
    assert header.version == tuple(int(number) for number in tensorrt_rtx.__version__.split("."))
    assert header.is_of(tensorrt_rtx.__version__)


def test_the_header_of_tensorrt(tmp_path):
    path = tmp_path / "crafted.engine"
    path.write_bytes(b"ftrt" + bytes(20) + bytes((10, 3, 0, 26)))
    header = PlanHeader.read(path)
    assert (header.runtime, header.version) == ("tensorrt", (10, 3, 0, 26))
    assert header.is_of("10.3.0")
    assert header.is_of("10.3.0.26")
    assert not header.is_of("10.3.0.30")
    assert not header.is_of("10.13.0")
    path.write_bytes(b"ftrt" + bytes((1, 0, 0, 0)) + bytes(16) + bytes((1, 2, 3, 4)))
    assert PlanHeader.read(path) == PlanHeader("tensorrt", ())  # a layout that nobody knows yet
    assert PlanHeader.read(path).is_of("12.0.0")


def test_what_is_no_engine(tmp_path):
    path = tmp_path / "x.engine"
    with pytest.raises(EngineError, match=r"x\.engine: cannot be read"):
        PlanHeader.read(path)
    for content in (b"", b"ftrt", b"ftrt" + bytes(23), b"\x08\x0a" + bytes(100)):
        path.write_bytes(content)
        with pytest.raises(EngineError, match="not an engine: expected a TensorRT plan"):
            PlanHeader.read(path)


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("10.3.0", (10, 3, 0)),
        ("10.13.3.9.post1", (10, 13, 3, 9)),
        ("10.3.0+cuda12", (10, 3)),
        ("", ()),
        ("1.7.1.116", (1, 7, 1, 116)),
    ],
)
def test_numbers_of_versions(version, numbers):
    assert version_numbers(version) == numbers


@needs_tensorrt_rtx
def test_a_plan_holds_the_weights_of_its_model(plans, models):
    for precision in ("fp16", "fp32"):
        require_stored_weights(plans[precision], models[precision], models["fp32"])


@needs_tensorrt_rtx
def test_a_plan_of_float32_is_not_taken_for_float16(plans, models):
    with pytest.raises(EngineError, match="1 are there as they should be, 2 in another type"):
        require_stored_weights(plans["fp32"], models["fp16"], models["fp32"])
    with pytest.raises(EngineError, match="of the 3 largest weights 1 are"):
        require_stored_weights(plans["fp16"], models["fp32"], models["fp32"])


@needs_tensorrt_rtx
def test_a_plan_of_another_model_is_not_taken_for_this(plans, models):
    other = onnx.ModelProto()
    other.CopyFrom(models["fp16"].proto)
    for tensor in other.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(array + array.dtype.type(1), tensor.name))
    with pytest.raises(EngineError, match="of the 3 largest weights 0 are"):
        require_stored_weights(plans["fp16"], OnnxModel(other), models["fp32"])


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (1, 0, 2, 3)])
def test_orders_of_axes_that_tensorrt_rtx_uses(models, order):
    tensors = models["fp16"].proto.graph.initializer
    arrays = [
        onnx.numpy_helper.to_array(tensor).transpose(order) for tensor in tensors if tensor.name != "centre"
    ]
    require_stored_weights(b"-".join(array.tobytes() for array in arrays), models["fp16"], models["fp32"])
