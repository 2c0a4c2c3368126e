"""Engines that must not be loaded: each says why, and what to do."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace

import pytest
from engine.models import write_network
from msgspec.structs import fields
from typer.testing import CliRunner

from aernet import Segmenter
from aernet.cli.app import app
from aernet.engine.agreement import Agreement
from aernet.engine.compatibility import Machine, rebuild_command, require_compatible
from aernet.engine.folders import default_engine_path
from aernet.engine.gpu import Gpu
from aernet.engine.manifest import Manifest, _digest, load_manifest, manifest_path
from aernet.errors import EngineError

AMPERE = Gpu("NVIDIA GeForce RTX 3090", "8.6", 16)
MACHINE = Machine({"tensorrt-rtx": "1.7.1.116"}, AMPERE)
AGX_ORIN = Gpu("Orin", "8.7", 16, "NVIDIA Jetson AGX Orin Developer Kit")
ORIN_NANO = Gpu("Orin", "8.7", 8, "NVIDIA Jetson Orin Nano Developer Kit")
ORIN = Machine({"tensorrt": "10.3.0"}, AGX_ORIN)
ON_ORIN = {
    "runtime": "tensorrt",
    "runtime_version": "10.3.0",
    "gpu": "Orin",
    "multiprocessors": 16,
    "board": "NVIDIA Jetson AGX Orin Developer Kit",
    "compute_capabilities": ("8.7",),
}


@pytest.fixture
def engine(write_crafted, tmp_path):
    return write_crafted(tmp_path / "darker.engine")


def refusal(engine, machine=MACHINE, model=None):
    with pytest.raises(EngineError) as refused:
        require_compatible(engine, machine, model)
    message = str(refused.value)
    assert message.startswith(str(engine))
    assert "\n" not in message
    return message


def test_an_engine_that_fits(engine, network, write_crafted, tmp_path):
    assert require_compatible(engine, MACHINE, network) == load_manifest(engine)
    orin = write_crafted(tmp_path / "orin.engine", **ON_ORIN)
    assert require_compatible(orin, ORIN) == load_manifest(orin)


def test_another_version(engine):
    machine = replace(MACHINE, runtimes={"tensorrt-rtx": "1.8.0.1"})
    message = refusal(engine, machine)
    assert "built for tensorrt-rtx 1.7.1.116, this machine has tensorrt-rtx 1.8.0.1" in message
    assert message.endswith(rebuild_command(engine, load_manifest(engine)))


def test_a_post_release_is_no_other_version(write_crafted, tmp_path):
    engine = write_crafted(tmp_path / "orin.engine", **(ON_ORIN | {"runtime_version": "10.13.3.9"}))
    require_compatible(engine, replace(ORIN, runtimes={"tensorrt": "10.13.3.9.post1"}))


def test_another_flavour(engine):
    message = refusal(engine, replace(MACHINE, runtimes={"tensorrt": "10.13.3.9"}))
    assert "built for tensorrt-rtx 1.7.1.116, this machine has tensorrt 10.13.3.9" in message
    assert "--runtime tensorrt " in message


def test_no_tensorrt_at_all(engine):
    message = refusal(engine, replace(MACHINE, runtimes={}))
    assert message.endswith("this machine has no TensorRT; pip install 'aernet[tensorrt-rtx]'")


def test_no_gpu(engine):
    """The advice can be followed: the model runs on the CPU, and the engine does not."""
    message = refusal(engine, replace(MACHINE, gpu=None))
    assert "needs an NVIDIA GPU, and this machine shows none, or no driver for it" in message
    model, device = re.search(r"instead of the engine: (\S+), with device='(\w+)'$", message).groups()
    with Segmenter(model, device) as segmenter:
        assert segmenter.card.name == "darker"


@pytest.mark.parametrize(
    ("built_for", "found", "fits"),
    [
        (("8.6", "8.9"), "8.9", True),
        (("8.6", "8.9"), "12.0", False),
        (("8.6", "8.9"), "7.5", False),
        (("7.5",), "7.5", True),
    ],
)
def test_compute_capabilities(write_crafted, tmp_path, built_for, found, fits):
    engine = write_crafted(tmp_path / "darker.engine", compute_capabilities=built_for)
    machine = replace(MACHINE, gpu=Gpu("a card", found, 16))
    if fits:
        require_compatible(engine, machine)
    else:
        message = refusal(engine, machine)
        assert (
            f"built for compute capability {', '.join(built_for)}, this machine's a card has {found}"
            in message
        )
        assert f"--compute-capability {found}" in message


def test_another_gpu_of_the_same_compute_capability(write_crafted, tmp_path):
    engine = write_crafted(tmp_path / "orin.engine", **ON_ORIN)
    message = refusal(engine, replace(ORIN, gpu=replace(AGX_ORIN, name="another Orin")))
    assert "built on Orin with 16 multiprocessors" in message
    assert "this machine has another Orin with 16 multiprocessors" in message


@pytest.mark.parametrize("differing", ["multiprocessors", "board"])
def test_another_board_of_the_same_name_and_compute_capability(write_crafted, tmp_path, differing):
    """Either of both tells an engine of an AGX Orin from one of an Orin Nano."""
    engine = write_crafted(tmp_path / "orin.engine", **ON_ORIN)
    gpu = replace(AGX_ORIN, **{differing: getattr(ORIN_NANO, differing)})
    message = refusal(engine, replace(ORIN, gpu=gpu))
    assert f"built on {AGX_ORIN}, this machine has {gpu}; build it again: aernet-trt build-engine" in message
    on_the_second = refusal(engine, replace(ORIN, gpu=replace(gpu, index=1)))
    assert on_the_second == f"{message} --device cuda:1"
    assert str(ORIN_NANO) == "Orin with 8 multiprocessors (NVIDIA Jetson Orin Nano Developer Kit)"


@pytest.mark.parametrize("capability", ["8.0", "8.7", "9.0", "10.0", "11.0"])
def test_a_gpu_on_which_tensorrt_rtx_does_not_run(engine, capability):
    """Also where nothing is installed that could say so."""
    for runtimes in (MACHINE.runtimes, {}):
        message = refusal(engine, Machine(runtimes, Gpu("a card", capability, 16)))
        assert f"TensorRT-RTX does not run on a card, compute capability {capability}: NVIDIA's" in message
        assert "7.5 (Turing), 8.6 (Ampere), 8.9 (Ada), 12.0 (Blackwell), 12.1 (Blackwell)" in message
        command = message.partition("build it again: ")[2]
        assert "--runtime tensorrt " in command
        assert "--compute-capability" not in command


def test_a_manifest_of_an_earlier_aernet(engine):
    """It knew neither multiprocessors nor boards nor layers, and wrote "8.0+" for several GPUs."""
    content = json.loads(manifest_path(engine).read_text())
    for name in ("manifest_sha256", "multiprocessors", "board", "layers"):
        del content[name]
    content["compute_capabilities"] = ["8.0+"]
    manifest_path(engine).write_text(json.dumps(content | {"manifest_sha256": _digest(content)}))
    message = refusal(engine)
    assert "its manifest is of an earlier aernet, which does not tell the layers" in message
    words = shlex.split(message.partition("build it again: ")[2])
    assert words[:2] == ["aernet-trt", "build-engine"]
    assert "--compute-capability" not in words


def test_another_onnx(engine, tmp_path):
    other = write_network(tmp_path / "other.onnx", gain=2)
    message = refusal(engine, model=other)
    assert f"built from another model than {other}" in message
    assert f"build-engine {other}" in message


def test_a_truncated_engine(engine):
    content = engine.read_bytes()
    for length in (0, 3, 27):
        engine.write_bytes(content[:length])
        assert "not an engine" in refusal(engine)
    for length in (28, len(content) // 2, len(content) - 1):
        engine.write_bytes(content[:length])
        assert "damaged" in refusal(engine)
    engine.write_bytes(content + b"\0")
    assert "damaged" in refusal(engine)


def test_one_flipped_byte_anywhere(engine):
    content = engine.read_bytes()
    for position in range(len(content)):
        engine.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
        message = refusal(engine)
        assert "damaged" in message or (position < 4 and "not an engine" in message)
        assert "aernet-trt build-engine" in message


def test_a_missing_manifest(engine):
    manifest_path(engine).unlink()
    assert "its manifest darker.engine.json is missing" in refusal(engine)


def test_the_manifest_of_another_engine(engine, write_crafted, tmp_path):
    other = write_crafted(
        tmp_path / "other.engine", plan=b"vtrt" + bytes(20) + bytes((1, 7, 1, 116)) + b"other"
    )
    manifest_path(other).replace(manifest_path(engine))
    assert "not the file that its manifest was written for" in refusal(engine)


@pytest.mark.parametrize(
    "lie", [{"runtime": "tensorrt", "runtime_version": "10.3.0"}, {"runtime_version": "1.6.1.120"}]
)
def test_a_manifest_that_lies(write_crafted, tmp_path, lie):
    plan = b"vtrt" + bytes(20) + bytes((1, 7, 1, 116)) + bytes(64)
    engine = write_crafted(tmp_path / "darker.engine", plan=plan, **lie)
    message = refusal(engine)
    assert "its manifest speaks of " in message
    assert "the file is of tensorrt-rtx 1.7.1.116" in message


@pytest.mark.parametrize("name", [field.name for field in fields(Manifest)])
def test_a_manifest_with_a_value_of_another_type(engine, name):
    """Whoever wrote it knew how to make its digest."""
    content = json.loads(manifest_path(engine).read_text())
    del content["manifest_sha256"]
    refused = 0
    for value in (
        None,
        5,
        True,
        1.5,
        "x",
        [],
        [1],
        [3, 2, 1],
        ["8.6", 7],
        {},
        {"a": None},
        {"mean_dice": "1"},
    ):
        changed = content | {name: value}
        manifest_path(engine).write_text(json.dumps(changed | {"manifest_sha256": _digest(changed)}))
        try:
            rebuild_command(engine, require_compatible(engine, MACHINE))
        except EngineError as error:
            refused += "not the manifest of an engine" in str(error)
    assert refused >= 7


@pytest.mark.parametrize("content", [b"", b"\x7fELF" + bytes(100), b"{}", b"FTRT" + bytes(100)])
def test_what_is_no_engine(engine, content):
    engine.write_bytes(content)
    assert "not an engine: expected a TensorRT plan" in refusal(engine)
    engine.unlink()
    assert "cannot be read" in refusal(engine)


def test_an_engine_that_failed_on_a_gpu(write_crafted, tmp_path):
    failed = Agreement("a GPU", 5, 0.5, 0.1, 0.9, 0)
    engine = write_crafted(tmp_path / "darker.engine", verification=failed)
    message = refusal(engine)
    assert "Dice 0.50000 mean, 0.10000 worst" in message
    assert "--precision fp32" in message


def test_the_command_that_builds_it_again_is_one(write_crafted, tmp_path, monkeypatch):
    """The command line takes it, and would build what the manifest says."""
    folder = tmp_path / "a folder"
    engine = write_crafted(
        folder / "darker.engine",
        compute_capabilities=("8.6", "8.9"),
        batch=(2, 3, 4),
        workspace_mib=64,
        optimization_level=2,
        precision="fp32",
    )
    manifest = load_manifest(engine)
    asked = []

    def build(model, folder, adapter, precision, options, *_, **__):
        asked.append((str(model), folder, adapter.name, precision, options))
        return engine, manifest

    monkeypatch.setattr("aernet.engine.build.build_engine", build)
    words = shlex.split(rebuild_command(engine, manifest))
    assert words[0] == "aernet-trt"
    answer = CliRunner().invoke(app, words[1:])
    assert answer.exit_code == 0, answer.output
    ((model, where, runtime, precision, options),) = asked
    assert (model, where, runtime, precision) == (manifest.model, folder, "tensorrt-rtx", "fp32")
    assert (options.batch, options.workspace_mib, options.optimization_level) == ((2, 3, 4), 64, 2)
    assert options.compute_capabilities == ("8.6", "8.9")


def test_the_command_names_no_folder_for_the_place_where_auto_looks(write_crafted):
    engine = write_crafted(default_engine_path("darker", "tensorrt-rtx", "1.7.1.116", None))
    assert " -o " not in rebuild_command(engine, load_manifest(engine))


def test_an_engine_of_int8_that_failed_is_built_from_the_model_before_it(write_crafted, tmp_path):
    failed = Agreement("a GPU", 5, 0.5, 0.1, 0.9, 0)
    engine = write_crafted(tmp_path / "darker.engine", verification=failed, precision="int8")
    message = refusal(engine)
    assert "build the float32 model that" in message
    assert "--precision fp32" not in message
