"""From ONNX to an engine file, with TensorRT-RTX."""

from __future__ import annotations

import hashlib

import pytest
from engine.marks import needs_tensorrt_rtx
from engine.models import float32_bytes
from onnxruntime.transformers import float16
from shipped_models import FLOAT32, INT8

from aernet.engine import build as build_module
from aernet.engine.adapter import BuilderOptions, RuntimeAdapter, open_runtime
from aernet.engine.build import build_engine
from aernet.engine.compatibility import Machine, require_compatible
from aernet.engine.gpu import Gpu
from aernet.engine.layers import layers_of_inspector
from aernet.engine.manifest import load_manifest
from aernet.engine.onnx_model import read_model
from aernet.engine.plan import PlanHeader
from aernet.errors import EngineError
from aernet.models import bundled_models

pytestmark = needs_tensorrt_rtx

CARD = Gpu("NVIDIA GeForce RTX 4090", "8.9", 16)


@pytest.fixture
def rtx():
    return open_runtime("tensorrt-rtx")


@pytest.fixture
def build(rtx, examples, tmp_path):
    def build(model, precision="fp16", folder=tmp_path, adapter=rtx, **options):
        return build_engine(model, folder, adapter, precision, BuilderOptions(**options), examples)

    return build


def machine(rtx):
    return Machine({rtx.name: rtx.version}, CARD)


def test_an_engine_and_its_manifest(build, rtx, network, tmp_path):
    engine, manifest = build(network)
    assert engine == tmp_path / "darker.engine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["darker.engine", "darker.engine.json"]
    assert load_manifest(engine) == manifest == require_compatible(engine, machine(rtx), network)
    assert PlanHeader.read(engine).is_of(rtx.version)
    assert manifest.plan_sha256 == hashlib.sha256(engine.read_bytes()).hexdigest()
    assert manifest.onnx_sha256 == hashlib.sha256(network.read_bytes()).hexdigest()
    assert manifest.model == str(network)
    assert manifest.precision == "fp16"
    assert manifest.convolutions == {"float16": 2, "float32": 2}
    assert manifest.compute_capabilities == ("8.6", "8.9", "12.0", "12.1")
    assert manifest.card.threshold == 0.5
    assert manifest.conversion.passes("fp16")
    assert manifest.verification is None
    assert (manifest.multiprocessors, manifest.board) == (None, None)


def test_the_manifest_has_the_layers_and_what_is_fused(build, network):
    """Every node of the ONNX is in a layer, and a layer's types are those of the nodes."""
    _, manifest = build(network)
    by_node = {node: layer for layer in manifest.layers for node in layer.nodes}
    names = {node.name for node in read_model(network).proto.graph.node}
    assert names <= by_node.keys()
    assert by_node["middle"] is by_node["middle_relu"]
    assert set(by_node["middle"].inputs + by_node["middle"].outputs) == {"float16"}
    assert by_node["last"].inputs == ("float16",)
    assert set(by_node["head"].inputs + by_node["head"].outputs) == {"float32"}
    _, manifest = build(network, "fp32")
    assert {kind for layer in manifest.layers for kind in layer.outputs} == {"float32"}


def test_what_was_asked_for_stands_in_the_manifest(build, network):
    engine, manifest = build(
        network,
        "fp32",
        batch=(2, 2, 2),
        workspace_mib=32,
        optimization_level=2,
        compute_capabilities=("8.6", "12.0"),
    )
    assert manifest.precision == "fp32"
    assert manifest.convolutions == {"float32": 4}
    assert manifest.conversion is None
    assert (manifest.batch, manifest.workspace_mib, manifest.optimization_level) == ((2, 2, 2), 32, 2)
    assert manifest.compute_capabilities == ("8.6", "12.0")
    assert load_manifest(engine) == manifest


def test_without_a_folder_it_goes_where_auto_looks(build, network, cache_folder):
    engine, _ = build(network, folder=None)
    assert (
        engine.parent.parent
        == cache_folder / "engines" / f"tensorrt-rtx-{open_runtime('tensorrt-rtx').version}"
    )
    assert engine.is_file()


@pytest.mark.parametrize("name", FLOAT32)
def test_the_shipped_models(build, name):
    path = bundled_models()[name]
    engine, manifest = build(path)
    assert manifest.model == name
    assert manifest.convolutions["float32"] <= 3
    assert manifest.convolutions["float16"] > 20
    assert engine.stat().st_size < 0.75 * float32_bytes(path)


@pytest.mark.parametrize("name", INT8)
def test_the_shipped_model_of_eight_bits(build, name):
    _, manifest = build(bundled_models()[name], "int8")
    assert manifest.model == name
    assert manifest.precision == "int8"
    assert manifest.convolutions["float32"] <= 3
    assert manifest.convolutions["int8"] > 20
    assert manifest.conversion.passes("int8")


def test_an_efficientnet_b1(build, examples, tmp_path):
    """The paper's encoder, with random weights."""
    torch = pytest.importorskip("torch")
    from runs import LEARNED_FROM

    from aernet.export import export
    from aernet.network import build_network
    from aernet.training.checkpoint import Checkpoint
    from aernet.training.settings import load_settings

    torch.manual_seed(0)
    settings = load_settings("aernet-b1", sizes=[64])
    network = build_network(settings.architecture, settings.encoder, settings.widths)
    history = [{"epoch": 1, "val_jaccard": 0.5, "val_dice": 0.6}]
    path = tmp_path / "b1.onnx"
    export(
        Checkpoint(settings, LEARNED_FROM, network.state_dict(), {}, {}, history, 0.5),
        examples[:1],
        None,
        path,
    )
    engine, manifest = build(path)
    assert manifest.convolutions["float16"] > 100
    assert engine.stat().st_size < 0.75 * float32_bytes(path)


def nothing_was_written(folder):
    return not list(folder.iterdir())


def test_a_conversion_that_does_nothing_gives_no_engine(build, network, tmp_path, monkeypatch):
    monkeypatch.setattr(float16, "convert_float_to_float16", lambda model, **_: model)
    with pytest.raises(EngineError, match="asked for fp16"):
        build(network)
    assert nothing_was_written(tmp_path)


def test_a_conversion_that_is_lost_on_the_way_to_tensorrt_gives_no_engine(build, rtx, network, tmp_path):
    class Careless(RuntimeAdapter):
        def build(self, _, *arguments):
            return super().build(network.read_bytes(), *arguments)

    with pytest.raises(EngineError, match=r"the parsed network has {'float32': 4}"):
        build(network, adapter=Careless("tensorrt-rtx", rtx._trt))
    assert nothing_was_written(tmp_path)


def test_a_plan_of_float32_gives_no_engine(build, rtx, network, tmp_path):
    class Lying(RuntimeAdapter):
        def build(self, _, options, __, monitor, device):
            return super().build(network.read_bytes(), options, {"float32": 4}, monitor, device)

    with pytest.raises(EngineError, match="the engine is not what was asked for"):
        build(network, adapter=Lying("tensorrt-rtx", rtx._trt))
    assert nothing_was_written(tmp_path)


def test_a_model_that_overflows_gives_no_engine(build, overflowing, tmp_path):
    with pytest.raises(EngineError, match=r"darker in fp16: .* activations beyond 65504: middle"):
        build(overflowing)
    assert nothing_was_written(tmp_path)
    _, manifest = build(overflowing, "fp32")
    assert manifest.precision == "fp32"


def test_a_failed_build_leaves_the_engine_that_was_there(build, rtx, network, overflowing):
    engine, manifest = build(network)
    with pytest.raises(EngineError):
        build(overflowing)
    assert require_compatible(engine, machine(rtx), network) == manifest


def test_no_such_precision(build, network):
    with pytest.raises(EngineError, match="precision 'int4': expected one of fp16, fp32, int8"):
        build(network, "int4")


class OnGpu:
    """TensorRT as a machine with a GPU would have it; `layers` are what its inspector tells."""

    name, version = "tensorrt", "10.3.0"

    def __init__(self, layers):
        self._layers = layers

    def build(self, *_):
        return b"ftrt" + bytes(20) + bytes((10, 3, 0, 26)) + bytes(100), self._layers


def told(*datatypes):
    return layers_of_inspector(
        {"Name": "layer", "Outputs": [{"Format/Datatype": datatype}]} for datatype in datatypes
    )


@pytest.mark.parametrize("datatypes", [(), ("Half", "Half", "Float"), ("Row major linear FP16 format",) * 2])
def test_tensorrt_builds_for_the_gpu_it_runs_on(build, network, monkeypatch, datatypes):
    gpu = Gpu("Orin", "8.7", 16, "NVIDIA Jetson AGX Orin Developer Kit")
    monkeypatch.setattr(build_module, "find_gpu", lambda *_: gpu)
    engine, manifest = build(network, adapter=OnGpu(told(*datatypes)))
    assert (manifest.runtime, manifest.gpu, manifest.compute_capabilities) == ("tensorrt", "Orin", ("8.7",))
    assert (manifest.multiprocessors, manifest.board) == (16, "NVIDIA Jetson AGX Orin Developer Kit")
    assert len(manifest.layers) == len(datatypes)
    require_compatible(engine, Machine({"tensorrt": "10.3.0"}, gpu))


def test_an_engine_of_tensorrt_whose_layers_are_float32(build, network, tmp_path, monkeypatch):
    monkeypatch.setattr(build_module, "find_gpu", lambda *_: Gpu("Orin", "8.7", 16))
    with pytest.raises(EngineError, match="asked for fp16, but 1 of the 3 tensors"):
        build(network, adapter=OnGpu(told("Half", "Float", "Float")))
    assert nothing_was_written(tmp_path)
