"""What the runtimes tell of layers, in each of their spellings."""

from __future__ import annotations

import pytest

from aernet.engine.layers import Layer, layers_in_log, layers_of_inspector

# As the logs of TensorRT-RTX 1.4 and 1.7 tell a tensor; only 1.7 tells constants.
HALF = {
    "1.4": "{ Name: a, Dimensions: [-1,3,64,64], Format/Datatype: Half }",
    "1.7": "{ Name: a, Dimensions: [-1,3], Strides: [3,1], Datatype: Half, Format: (NHWC) Channel major }",
}
FLOAT = {
    "1.4": "{ Name: b, Dimensions: [-1,1], Format/Datatype: Float }",
    "1.7": "{ Name: b, Dimensions: [-1,1], Datatype: Float, Format: (Linear) Row major linear format }",
}
CONSTANTS = {
    "1.4": "",
    "1.7": "Constants: [ { Name: c, Dimensions: [1], Datatype: Int32, Format: (Linear) }], ",
}
END = "TacticName: , StreamId: 0, Metadata: "


@pytest.mark.parametrize("version", HALF)
def test_the_log_of_a_build(version):
    half, floating, constants = HALF[version], FLOAT[version], CONSTANTS[version]
    fusion = f"Name: __myl_CorrCast, LayerType: runtime_fusion, Inputs: [ {half}, {half}], {constants}"
    lines = (
        "Layers:",
        f"Name: shapes, LayerType: shape_call, Inputs: [], {constants}Outputs: [], {END}",
        f"{fusion}Outputs: [ {floating}], {END}[ONNX Layer: conv][ONNX Layer: cast]",
        "",
        "I/O Tensors:",
        " Name: image, IOMode: Input, DataType: Float, Dimensions: [-1,3,64,64], Location: Device",
    )
    assert layers_in_log("\n".join(lines)) == (
        Layer("shapes", "shape_call", (), (), ()),
        Layer("__myl_CorrCast", "runtime_fusion", ("float16",) * 2, ("float32",), ("conv", "cast")),
    )


def test_a_build_that_logs_no_layers():
    assert layers_in_log("") == ()


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("Half", "float16"),
        ("Row major linear FP16 format", "float16"),
        ("Float", "float32"),
        ("BFloat16", "bfloat16"),
        ("Int32", "int32"),
    ],
)
def test_names_of_types(told, wanted):
    (layer,) = layers_of_inspector([{"Name": "it", "Outputs": [{"Name": "y", "Format/Datatype": told}]}])
    assert layer.outputs == (wanted,)
