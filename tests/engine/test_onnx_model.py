from __future__ import annotations

import onnx
import pytest
from engine.models import write_network

from aernet.engine.onnx_model import read_model
from aernet.errors import ModelError


def test_a_model_and_its_card(network):
    model = read_model(network)
    card = model.card
    assert (card.name, card.size, card.threshold) == ("darker", 64, 0.5)
    assert model.layer_types == {"float32": 4}


def test_what_is_no_model(metadata, tmp_path):
    with pytest.raises(ModelError, match=r"absent\.onnx: cannot be read"):
        read_model(tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_text("not at all")
    with pytest.raises(ModelError, match=r"text\.onnx: expected an ONNX model"):
        read_model(tmp_path / "text.onnx")
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(ModelError, match=r"empty\.onnx: expected an ONNX model"):
        read_model(tmp_path / "empty.onnx")
    with pytest.raises(ModelError, match=r"foreign\.onnx: its metadata lack aernet\.name"):
        read_model(write_network(tmp_path / "foreign.onnx", metadata={}))
    with pytest.raises(ModelError, match=r"expected one input, image float32 N x 3 x 32 x 32, found .*64"):
        read_model(write_network(tmp_path / "size.onnx", metadata=metadata | {"aernet.size": "32"}))


def test_a_model_of_half_precision_is_not_where_engines_start(network, tmp_path):
    from aernet.engine.precision import to_half

    half = to_half(read_model(network)).proto
    half.graph.output[0].name = "mask"
    half.graph.node[-1].output[0] = "mask"
    onnx.save(half, tmp_path / "half.onnx")
    with pytest.raises(ModelError, match="expected one output, probability"):
        read_model(tmp_path / "half.onnx")
