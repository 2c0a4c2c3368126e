from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

import aernet.models
from aernet import AernetError, ModelError, Segmenter
from aernet.models import ModelCard, resolve_model


def test_the_card_is_what_the_metadata_say(metadata):
    card = ModelCard.from_metadata(metadata)
    assert card == ModelCard(
        name="dark",
        version="1.2",
        size=64,
        threshold=0.4,
        training_data="none",
        licence="Apache-2.0",
        metrics={"jaccard": 0.5, "protocol": "made up"},
        revision="abc1234",
    )


def test_missing_metadata_are_named(metadata):
    del metadata["aernet.licence"], metadata["aernet.size"]
    with pytest.raises(ModelError, match=r"lack aernet\.size, aernet\.licence;"):
        ModelCard.from_metadata(metadata)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        *(("aernet.size", text) for text in ("0", "-256", "256.0", "large", "")),
        *(("aernet.threshold", text) for text in ("0", "1", "1.5", "nan", "half", "")),
        *(("aernet.metrics", text) for text in ("", "none", "[1]", "{")),
        *(("aernet.network", text) for text in ("", "{}", "[1]")),
    ],
)
def test_metadata_that_cannot_be_are_named(metadata, key, text):
    with pytest.raises(
        ModelError, match=rf"^{key} must be .*{text[:9]!r}".replace("[", r"\[").replace("{", r"\{")
    ):
        ModelCard.from_metadata(metadata | {key: text})


def test_a_path_names_a_model(model):
    assert resolve_model(model) == model
    assert resolve_model(str(model)) == model


def test_a_bundled_name_comes_first(model, tmp_path, monkeypatch):
    monkeypatch.setattr(aernet.models, "bundled_models", lambda: {"aernet": model})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aernet").touch()
    assert resolve_model("aernet") == model


def test_a_model_that_is_not_there_lists_those_that_are(tmp_path, monkeypatch):
    monkeypatch.setattr(aernet.models, "bundled_models", lambda: {"aernet": tmp_path, "other": tmp_path})
    with pytest.raises(ModelError, match=r"missing\.onnx: no such model; .*\(aernet, other\)"):
        resolve_model(tmp_path / "missing.onnx")
    with pytest.raises(ModelError, match="no such model; give"):
        resolve_model("nothing like it")
    with pytest.raises(ModelError, match=r"no such model \(did you mean other\?\); give .*\(aernet, other\)"):
        resolve_model("othr")
    with pytest.raises(ModelError, match=r"missing\.engine: no such engine; .* build-engine has made"):
        resolve_model(tmp_path / "missing.engine")
    with pytest.raises(ModelError, match="expected a model, found a folder"):
        resolve_model(tmp_path)


@pytest.mark.parametrize("model", [None, 3, ["aernet"]])
def test_a_model_is_a_name_or_a_path(model):
    with pytest.raises(ModelError, match=r"^model: expected a bundled name or a path, found "):
        resolve_model(model)


def refused(path):
    with pytest.raises(ModelError) as error:
        Segmenter(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_a_file_that_is_not_onnx(tmp_path, content, capfd):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert "expected an ONNX model" in refused(path)
    assert capfd.readouterr().err == ""


def test_a_truncated_model(tmp_path, model):
    path = tmp_path / "model.onnx"
    path.write_bytes(model.read_bytes()[:-40])
    assert "expected an ONNX model" in refused(path)


@pytest.mark.parametrize(
    ("difference", "found"),
    [
        ({"image": "pixels"}, "pixels"),
        ({"probability": "logits"}, "logits"),
        ({"channels": 1}, "1, 64, 64"),
        ({"size": "side"}, "'side', 'side'"),
        ({"batch": 1}, "[1, 3, 64, 64]"),
        ({"element": 10}, "float16"),
    ],
)
def test_another_onnx_is_told_from_ours(tmp_path, write_model, difference, found):
    message = refused(write_model(tmp_path / "other.onnx", {}, **difference))
    assert "not an AER-Net model: expected one " in message
    assert found in message


def test_an_onnx_without_inputs(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["probability"], value_float=0.5)],
        "constant",
        [],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [])],
    )
    path = tmp_path / "constant.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    assert "expected one input, image tensor(float) ['N', 3, S, S], found none" in refused(path)


def test_an_output_of_another_size(tmp_path, write_model):
    message = refused(write_model(tmp_path / "half.onnx", stride=2))
    assert "not an AER-Net model: its output is not of its input's size" in message


def test_a_size_that_is_not_the_inputs(tmp_path, write_model):
    message = refused(write_model(tmp_path / "small.onnx", size=32))
    assert "its metadata say a size of 64, but its input is 32 x 32" in message


def test_a_model_without_metadata(tmp_path, write_model):
    message = refused(write_model(tmp_path / "bare.onnx", {}))
    assert "lack aernet.name, aernet.version, aernet.size" in message


def test_a_model_with_a_threshold_that_cannot_be(tmp_path, write_model, metadata):
    message = refused(write_model(tmp_path / "bad.onnx", metadata | {"aernet.threshold": "2"}))
    assert "aernet.threshold must be a number between 0 and 1" in message


def test_errors_are_the_packages_own():
    assert issubclass(ModelError, AernetError)
