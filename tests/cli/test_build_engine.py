from __future__ import annotations

import json
import re
import zipfile
from types import SimpleNamespace

import pytest
from engine.marks import needs_tensorrt_rtx
from engine.models import float32_bytes, write_crafted, write_network
from typer.testing import CliRunner

import aernet.engine.gpu
import aernet.export
import aernet.runners.tensorrt
from aernet import _native
from aernet.cli import build_engine as command_module
from aernet.cli.app import app
from aernet.engine import compatibility
from aernet.engine.adapter import installed_runtimes
from aernet.engine.compatibility import Machine
from aernet.engine.folders import default_engine_path
from aernet.engine.gpu import Gpu
from aernet.engine.manifest import load_manifest
from aernet.errors import EngineError
from aernet.models import bundled_models


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def network(tmp_path):
    return write_network(tmp_path / "darker.onnx")


def run(*arguments):
    return CliRunner().invoke(app, ["build-engine", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def built(network, monkeypatch):
    """Take builds down instead of doing them; an engine is there afterwards."""
    asked = []

    def build(model, folder, adapter, precision, options, pictures, *, target, monitor, device):
        assert device is None
        asked.append((model, folder, adapter, precision, options, pictures, target))
        engine = write_crafted((folder or network.parent) / "darker.engine", network, precision=precision)
        monitor.started("Building engine", None, 2)
        monitor.started("Timing", "Building engine", 1)
        monitor.stepped("Timing", 0)
        monitor.finished("Timing")
        monitor.finished("Building engine")
        return engine, load_manifest(engine)

    monkeypatch.setattr("aernet.engine.build.build_engine", build)
    return asked


@needs_tensorrt_rtx
def test_the_default_model_is_the_bundled_one_and_goes_where_auto_looks(command):
    """As a user does it: nothing but the command."""
    answer = command("build-engine")
    assert answer.returncode == 0, answer.stderr
    (model,) = [path for name, path in bundled_models().items() if name == "aernet"]
    version = installed_runtimes()["tensorrt-rtx"]
    engine = default_engine_path("aernet", "tensorrt-rtx", version, None)
    manifest = load_manifest(engine)
    assert manifest.model == "aernet"
    assert manifest.precision == "fp16"
    assert manifest.runtime == "tensorrt-rtx"
    assert 0.4 * float32_bytes(model) < engine.stat().st_size < 0.75 * float32_bytes(model)
    assert str(engine) in answer.stderr
    assert re.search(r"convolutions \d+ in float16, \d in float32; Dice (0\.999|1\.0)", answer.stderr)


@needs_tensorrt_rtx
def test_the_manifest_as_json(network, tmp_path):
    output = ("-o", tmp_path / "out", "--batch", 1, 2, 3, "--precision", "fp32", "--layers")
    answer = run(network, *output, "--json")
    assert answer.exit_code == 0, answer.output
    content = json.loads(answer.stdout)
    assert content == json.loads((tmp_path / "out" / "darker.engine.json").read_text())
    assert (content["batch"], content["precision"]) == ([1, 2, 3], "fp32")
    (stem,) = [layer for layer in content["layers"] if "stem" in layer["nodes"]]
    assert stem["outputs"] == ["float32"]
    table = run(network, *output).stdout
    assert all(layer["name"] in table for layer in content["layers"])
    assert "stem + stem_relu" in table


def test_without_a_gpu_it_says_that_it_is_not_verified(built, network, tmp_path, monkeypatch):
    monkeypatch.setattr(compatibility, "find_gpu", lambda *_: None)
    answer = run(network, "-o", tmp_path, "--runtime", "tensorrt-rtx")
    assert answer.exit_code == 0, answer.output
    assert "not verified: no GPU" in answer.output
    assert built


def test_a_gpu_that_cannot_run_it_is_no_failure(built, network, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise EngineError("built for another card")

    monkeypatch.setattr(compatibility, "find_gpu", lambda *_: Gpu("GeForce GTX 1080", "6.1", 16))
    monkeypatch.setattr(aernet.runners.tensorrt, "TensorRtRunner", refuse)
    answer = run(network, "-o", tmp_path, "--runtime", "tensorrt-rtx")
    assert answer.exit_code == 0, answer.output
    assert "not verified: built for another card" in answer.output
    assert built


def test_what_is_not_said_is_the_recipes(built, network, examples, tmp_path):
    recipe = ("--target", "rtx-turing", "--runtime", "tensorrt-rtx")
    answer = run(network, *recipe, "-o", tmp_path, "--batch", 2, 2, 2)
    assert answer.exit_code == 0, answer.output
    ((model, folder, adapter, precision, options, pictures, target),) = built
    assert (model, folder, adapter.name, precision, target) == (
        network,
        tmp_path,
        "tensorrt-rtx",
        "fp16",
        "rtx-turing",
    )
    assert (options.batch, options.compute_capabilities) == ((2, 2, 2), ("7.5",))
    assert [path.name for path in pictures] == [path.name for path in examples]


def test_the_pictures_that_are_named(built, network, examples):
    assert run(network, "--verify", examples[1], "--runtime", "tensorrt-rtx").exit_code == 0
    assert built[0][5] == [examples[1]]


def test_a_checkpoint_is_exported_beside_the_engine(built, tmp_path, monkeypatch):
    from aernet.training import checkpoint as checkpoints

    with zipfile.ZipFile(tmp_path / "best.pt", "w") as file:  # as PyTorch writes them
        file.writestr("best/data.pkl", b"")
    loaded = SimpleNamespace(settings=SimpleNamespace(name="small"))
    monkeypatch.setattr(checkpoints, "load_checkpoint", {tmp_path / "best.pt": loaded}.__getitem__)

    def export(checkpoint, pictures, metrics, output):
        assert (checkpoint, metrics) == (loaded, None)
        assert pictures
        output.parent.mkdir()
        output.write_bytes(b"exported")
        return 1e-6

    monkeypatch.setattr(aernet.export, "export", export)
    answer = run(tmp_path / "best.pt", "-o", tmp_path / "out", "--runtime", "tensorrt-rtx")
    assert answer.exit_code == 0, answer.output
    assert built[0][0] == tmp_path / "out" / "small.onnx"
    assert built[0][0].read_bytes() == b"exported"


@pytest.mark.parametrize(
    ("installed", "gpu", "taken"),
    [
        (("tensorrt", "tensorrt-rtx"), True, "tensorrt"),
        (("tensorrt", "tensorrt-rtx"), False, "tensorrt-rtx"),
        (("tensorrt-rtx",), True, "tensorrt-rtx"),
        (("tensorrt",), False, "tensorrt"),
        ((), False, "tensorrt-rtx"),
    ],
)
def test_the_flavour_that_auto_takes(installed, gpu, taken):
    machine = Machine(dict.fromkeys(installed, "1"), Gpu("it", "8.9", 16) if gpu else None)
    assert command_module._runtime("auto", machine) == taken


def test_where_tensorrt_rtx_does_not_run_auto_says_why():
    machine = Machine({"tensorrt-rtx": "1"}, Gpu("NVIDIA H100", "9.0", 132))
    with pytest.raises(EngineError, match=r"does not run on NVIDIA H100, .*pip install 'aernet\[tensorrt\]'"):
        command_module._runtime("auto", machine)
    assert command_module._runtime("tensorrt-rtx", machine) == "tensorrt-rtx"  # for another GPU


def test_the_gpu_that_builds(network, tmp_path, monkeypatch):
    """It is the current one while TensorRT is asked about the machine, builds and compares."""
    current, indices = [], []

    class Device:
        def __init__(self, index):
            self.index = index

        def __enter__(self):
            current.append(self.index)

        def __exit__(self, *_):
            current.pop()

    def here(index=None):
        return Gpu("card 1", "8.9", 128) if current == [1] or index == 1 else None

    def build(*_, device, **__):
        assert (device.index, current) == (1, [1])
        engine = write_crafted(tmp_path / "darker.engine", network)
        return engine, load_manifest(engine)

    def refuse(_, index, **__):
        indices.append(index)
        raise EngineError("no")

    monkeypatch.setattr(_native, "cuda_version", "13.0")
    monkeypatch.setattr(_native, "Device", Device, raising=False)
    for module in (aernet.engine.gpu, compatibility):
        monkeypatch.setattr(module, "find_gpu", here)
    monkeypatch.setattr("aernet.engine.build.build_engine", build)
    monkeypatch.setattr(aernet.runners.tensorrt, "TensorRtRunner", refuse)
    answer = run(network, "-o", tmp_path, "--runtime", "tensorrt-rtx", "--device", "cuda:1")
    assert answer.exit_code == 0, answer.output
    assert indices == [1]
    assert "not verified: no" in answer.output
    answer = run(network, "--device", "cuda:2")
    assert answer.exit_code == 1
    assert "--device cuda:2: no such GPU, or no driver for it" in answer.output


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--batch", 2, 1, 3), 2, "--batch expected 1 <= MIN <= OPT <= MAX, found 2 1 3"),
        (("--target", "rtx-desktop", "--runtime", "tensorrt"), 2, "leave out --runtime"),
        (("--target", "jetson"), 1, "target jetson: no such file"),
        (("--target", "jetson-thor"), 1, "must be built on the device itself, of compute capability 11.0"),
        (("--target", "data-centre"), 1, "found none"),
        (("--precision", "int4"), 2, "--precision"),
        (("--device", "1"), 2, "--device expected cuda, cuda:1, ..., found '1'"),
        (("--optimization-level", 6), 2, "--optimization-level"),
    ],
)
@pytest.mark.skipif("tensorrt" in installed_runtimes(), reason="TensorRT is here")
def test_what_cannot_be(network, arguments, status, message):
    answer = run(network, *arguments)
    assert answer.exit_code == status
    assert message in answer.output
    assert answer.output.count("\n") == 1


def test_a_missing_model(tmp_path):
    answer = run(tmp_path / "absent.onnx", "--runtime", "tensorrt-rtx")
    assert answer.exit_code == 1
    assert "no such model" in answer.output
