"""ONNX files of strangers: what each could do to a program that opens it, and that it is refused."""

from __future__ import annotations

import os

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from aernet import ModelError
from aernet.engine.onnx_model import read_model
from aernet.models import bundled_models
from aernet.onnx_file import MOST_BYTES, MOST_METADATA, read_onnx, require_harmless
from aernet.runners.onnxruntime import OnnxRuntimeRunner


@pytest.fixture
def proto(model):
    return onnx.load(model)


def refusal(proto):
    with pytest.raises(ModelError, match=r"^[^\n]+$") as error:
        require_harmless(proto.SerializeToString())
    return str(error.value)


def with_constants(proto, *nodes, **tensors):
    """Add nodes that work on stored tensors alone."""
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in tensors.items())
    proto.graph.node.extend(nodes)
    return proto


@pytest.mark.parametrize("name", bundled_models())
def test_the_models_of_the_package_are_harmless(name):
    path = bundled_models()[name]
    assert read_onnx(path) == path.read_bytes()


def test_weights_in_another_file_are_not_read(proto, tmp_path, monkeypatch):
    """ONNX Runtime and the package onnx read them; from the working folder, where they get bytes."""
    (tmp_path / "secret").write_bytes(np.full((1, 3, 1, 1), -20, np.float32).tobytes())
    weights = next(tensor for tensor in proto.graph.initializer if tensor.name == "weights")
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="secret")
    path = tmp_path / "outside.onnx"
    path.write_bytes(proto.SerializeToString())
    monkeypatch.chdir(tmp_path)
    onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert numpy_helper.to_array(onnx.load(path).graph.initializer[0]).min() == -20
    for read in (OnnxRuntimeRunner, read_model):
        with pytest.raises(
            ModelError, match=r"outside\.onnx: it keeps weights in another file; save it as one"
        ):
            read(path)


def test_a_constant_in_another_file(proto):
    tensor = TensorProto(name="x", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    proto.graph.node.append(helper.make_node("Constant", [], ["x"], value=tensor))
    assert "keeps weights in another file" in refusal(proto)


def test_operators_that_are_not_onnx_own(proto):
    proto.graph.node[0].domain = "com.microsoft"
    assert "has the operator com.microsoft.Conv, which is not ONNX's own" in refusal(proto)


def test_the_name_of_an_operator_is_told_in_one_line(proto):
    proto.graph.node[0].domain = "a\n\x1b[31m" + 1000 * "b"
    assert len(refusal(proto)) < 200


def test_control_flow(proto):
    body = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "body", [], [])
    proto.graph.node.append(helper.make_node("Loop", ["image"], ["y"], body=body))
    assert "has control flow (the operator Loop)" in refusal(proto)


def test_functions_that_call_each_other_twice(proto):
    """Forty of them are inlined into 2 to the power of 40 operators."""
    proto.functions.append(helper.make_function("own", "f", ["x"], ["y"], [], [helper.make_opsetid("", 18)]))
    assert "has functions of its own; export it with these inlined" in refusal(proto)


@pytest.mark.parametrize("shape", [(1 << 20, 1 << 20), (1 << 62, 1 << 62), (3, -1)])
def test_weights_that_are_stated_larger_than_they_are(proto, shape):
    proto.graph.initializer.append(
        TensorProto(name="x", data_type=TensorProto.FLOAT, dims=shape, raw_data=b"1234")
    )
    assert "does not hold so many" in refusal(proto)


def test_sparse_weights(proto):
    values = helper.make_tensor("values", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [1], [0])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 20, 1 << 20]))
    assert "has sparse weights" in refusal(proto)


def test_sparse_constants(proto):
    values = helper.make_tensor("values", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [1], [0])
    sparse = helper.make_sparse_tensor(values, indices, [1 << 20, 1 << 20])
    proto.graph.node.append(helper.make_node("Constant", [], ["x"], sparse_value=sparse))
    assert "has sparse constants" in refusal(proto)


LONG = np.ones(1 << 16, np.float32)
BOMBS = {
    "ConstantOfShape": [helper.make_node("ConstantOfShape", ["shape"], ["y"])],
    "RandomNormal": [helper.make_node("RandomNormal", [], ["y"], shape=[1 << 20, 1 << 20])],
    "Tile": [helper.make_node("Tile", ["long", "shape"], ["y"])],
    "Add": [
        helper.make_node("Reshape", ["long", "column"], ["long column"]),
        helper.make_node("Add", ["long", "long column"], ["y"]),
    ],
    "MatMul": [helper.make_node("MatMul", ["long 1", "1 long"], ["y"])],
    "Concat": [
        helper.make_node("Concat", [f"{i}" if i else "long"] * 2, [f"{i + 1}"], axis=0) for i in range(40)
    ],
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("operator", BOMBS)
def test_what_is_computed_of_constants_alone(proto, operator, reverse):
    """A runtime folds constants when it opens a model, in whichever order the file has the operators."""
    nodes = BOMBS[operator][:: -1 if reverse else 1]
    tensors = {"long": LONG, "long 1": LONG[:, None], "1 long": LONG[None], "column": np.array([1 << 16, 1])}
    found = refusal(with_constants(proto, *nodes, shape=np.array([1 << 20, 1 << 20]), **tensors))
    assert f"operator {operator} may compute more than 268435456 numbers of constants alone" in found


def test_what_exporters_leave_of_constants_is_harmless(proto):
    nodes = [
        helper.make_node("Constant", [], ["two"], value_ints=[2]),
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Gather", ["shape", "two"], ["height"]),
        helper.make_node("Concat", ["height", "height"], ["sides"], axis=0),
        helper.make_node("Cast", ["half"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["turned"]),
    ]
    half = np.ones((4096, 4096), np.float16)
    whole = with_constants(proto, *nodes, half=half, scale=np.ones((4096, 1), np.float32))
    require_harmless(whole.SerializeToString())


def test_long_metadata(proto):
    proto.metadata_props.add(key="x", value="y" * MOST_METADATA)
    assert "its metadata have" in refusal(proto)


def test_metadata_that_contradict_themselves(proto):
    """Of two thresholds a viewer of models may show one, and a runtime take the other."""
    for threshold in ("0.9", "0.1"):
        proto.metadata_props.add(key="aernet.limit", value=threshold)
    assert "its metadata say a thing twice" in refusal(proto)


def test_metadata_that_are_no_text(model):
    content = model.read_bytes().replace(b"abc1234", b"abc\xff234")
    with pytest.raises(ModelError, match="its metadata are not UTF-8"):
        require_harmless(content)


def test_names_that_are_no_text(model, tmp_path):
    path = tmp_path / "names.onnx"
    path.write_bytes(model.read_bytes().replace(b"image", b"im\xffge"))
    for read in (OnnxRuntimeRunner, read_model):
        with pytest.raises(ModelError, match=r"names\.onnx: "):
            read(path)


def test_a_side_beyond_all_networks(write_model, metadata, tmp_path):
    path = write_model(tmp_path / "huge.onnx", metadata | {"aernet.size": "100000"}, size=100000)
    with pytest.raises(ModelError, match=r"aernet\.size must be a whole number of pixels, 4096 at most"):
        OnnxRuntimeRunner(path)


@pytest.mark.parametrize("name", ["metrics", "quality", "size"])
def test_metadata_of_a_hundred_thousand_brackets(write_model, metadata, tmp_path, name):
    path = write_model(tmp_path / "deep.onnx", metadata | {f"aernet.{name}": '{"a":' + "[" * 100_000})
    with pytest.raises(ModelError, match=rf"aernet\.{name} must be"):
        OnnxRuntimeRunner(path)


def test_a_file_of_onnx_runtime_own_format_is_none(tmp_path):
    """It is known by its fifth to eighth byte, which a file of ONNX may have too."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x18\0\0\0ORTM" + bytes(100))
    with pytest.raises(ModelError, match=r"model\.onnx: expected an ONNX model"):
        OnnxRuntimeRunner(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ModelError, match=r"pipe\.onnx: expected a file, found something else"):
        read_onnx(tmp_path / "pipe.onnx")


def test_a_file_beyond_all_models(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ModelError, match=r"large\.onnx: 1\.07 GB are too large for a model"):
        read_onnx(path)
