from __future__ import annotations

import pytest

from aernet.engine.adapter import BuilderOptions
from aernet.engine.compatibility import Machine
from aernet.engine.gpu import Gpu
from aernet.engine.targets import load_target, target_names
from aernet.errors import EngineError

ORIN = Gpu("Orin", "8.7", 16)


def test_there_is_a_recipe_for_each_device():
    assert set(target_names()) == {
        "data-centre",
        "jetson-agx-orin-jetpack6",
        "jetson-agx-orin-jetpack7",
        "jetson-orin-nano-jetpack6",
        "jetson-orin-nano-jetpack7",
        "jetson-orin-nx-jetpack6",
        "jetson-orin-nx-jetpack7",
        "jetson-thor",
        "rtx-desktop",
        "rtx-turing",
    }


@pytest.mark.parametrize("name", target_names())
def test_every_recipe_can_be_followed_where_it_says(name):
    target = load_target(name)
    options = BuilderOptions(**target.options())
    assert options.batch[0] == 1
    assert target.precision == "fp16"
    assert target.description
    if target.build_on == "anywhere":
        assert target.runtime == "tensorrt-rtx"
        target.require_machine(Machine({"tensorrt-rtx": "1.7.1.116"}, None))
        assert options.compute_capabilities == target.compute_capabilities
    else:
        first, _ = target.versions
        capability = (target.compute_capabilities or ("9.0",))[0]
        target.require_machine(Machine({"tensorrt": f"{first}.0"}, Gpu("it", capability, 16)))
        assert options.compute_capabilities == ()


def test_what_must_be_built_on_the_device_is_not_built_elsewhere():
    target = load_target("jetson-orin-nano-jetpack6")
    target.require_machine(Machine({"tensorrt": "10.3.0"}, ORIN))
    for runtimes in ({"tensorrt": "10.3.0"}, {}):
        for gpu, found in ((None, "no GPU"), (Gpu("NVIDIA A100", "8.0", 16), "8.0")):
            with pytest.raises(
                EngineError, match=f"on the device itself, of compute capability 8.7, found {found}"
            ):
                target.require_machine(Machine(runtimes, gpu))


@pytest.mark.parametrize("version", ["8.6.2", "10.13.3", "10.4.0"])
def test_a_jetpack_has_its_tensorrt(version):
    message = (
        rf"expected tensorrt from 10\.3 and below 10\.4, found {version} .*; take the recipe for that version"
    )
    with pytest.raises(EngineError, match=message):
        load_target("jetson-orin-nx-jetpack6").require_machine(Machine({"tensorrt": version}, ORIN))


@pytest.mark.parametrize(
    ("processor", "remedy"), [("x86_64", "pip install"), ("aarch64", "--system-site-packages")]
)
def test_a_missing_runtime(processor, remedy, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: processor)
    with pytest.raises(EngineError, match=rf"expected tensorrt from 10\.13, found none .*; .*{remedy}"):
        load_target("jetson-thor").require_machine(
            Machine({"tensorrt-rtx": "1.7.1.116"}, Gpu("Thor", "11.0", 16))
        )


def test_a_recipe_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    text = """
description = "mine"
runtime = "tensorrt-rtx"
versions = ["", ""]
build_on = "anywhere"
compute_capabilities = ["8.6"]
precision = "fp32"
batch = [1, 2, 3]
workspace_mib = 7
"""
    path.write_text(text)
    target = load_target(str(path))
    assert target.name == "mine"
    assert target.options() == {"batch": (1, 2, 3), "workspace_mib": 7, "compute_capabilities": ("8.6",)}
    target.require_machine(Machine({"tensorrt-rtx": "1.2"}, None))
    for wrong, message in (
        (text.replace("batch = [1, 2, 3]", "batch = [3, 2, 1]"), r"batch cannot be \[3, 2, 1\]"),
        (text.replace('"fp32"', '"int4"'), "precision cannot be 'int4'"),
        (text.replace("workspace_mib = 7", "workspace_mib = true"), "workspace_mib cannot be True"),
        (text.replace('["", ""]', '"10.3"'), "versions cannot be '10.3'"),
        (text.replace('["8.6"]', "[8.6]"), r"compute_capabilities cannot be \[8\.6\]"),
        (text.replace('"mine"', "5"), "description cannot be 5"),
        (text.replace("runtime =", "run_time ="), "lacks or does not know run_time, runtime"),
        (text.replace("=", "", 1), "not TOML"),
    ):
        path.write_text(wrong)
        with pytest.raises(EngineError, match=message):
            load_target(str(path))


def test_no_such_recipe():
    with pytest.raises(
        EngineError, match=r"target jetson: no such file, and not one of data-centre, jetson-agx"
    ):
        load_target("jetson")
    with pytest.raises(EngineError, match=r"\(did you mean jetson-thor\?\)"):
        load_target("jetson-thr")
