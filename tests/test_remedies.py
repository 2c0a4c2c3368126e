from __future__ import annotations

import platform
import sys
from importlib.metadata import requires

import onnxruntime
import pytest
from packaging.requirements import Requirement

from aernet import AernetError, remedies
from aernet.runners import onnxruntime as runner
from aernet.runners.providers import OTHERS, cuda


@pytest.fixture
def machine(monkeypatch):
    def machine(name, python):
        monkeypatch.setattr(platform, "machine", lambda: name)
        monkeypatch.setattr(sys, "version_info", python)

    return machine


@pytest.mark.parametrize(("name", "python"), [("x86_64", (3, 10)), ("AMD64", (3, 12)), ("aarch64", (3, 12))])
def test_onnxruntime_gpu_is_named_where_pypi_has_it(machine, name, python):
    machine(name, python)
    assert remedies.onnxruntime_gpu() == "pip install onnxruntime-gpu"
    assert remedies.onnxruntime_gpu("cuda", "cudnn") == "pip install 'onnxruntime-gpu[cuda,cudnn]'"


def test_a_jetson_is_not_told_to_install_what_it_cannot(machine, monkeypatch, model):
    machine("aarch64", (3, 10))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        AernetError, match=r"without CUDAExecutionProvider; .* no package for ARM and Python 3\.10"
    ) as caught:
        runner.OnnxRuntimeRunner(model, cuda(0))
    assert "pip install" not in str(caught.value)
    assert "'aernet-trt build-engine'" in str(caught.value)


@pytest.mark.parametrize("name", [None, "tensorrt", "tensorrt-rtx"])
def test_tensorrt_on_a_jetson_is_jetpacks(machine, name):
    machine("x86_64", (3, 12))
    assert "pip install 'aernet[tensorrt" in remedies.tensorrt(name)
    machine("aarch64", (3, 10))
    assert "pip install" not in remedies.tensorrt(name)
    assert "python3 -m venv --system-site-packages" in remedies.tensorrt(name)


PRESENT = {
    "openvino": "pip uninstall --yes onnxruntime && pip install onnxruntime-openvino",
    "openvino:gpu": "pip uninstall --yes onnxruntime && pip install onnxruntime-openvino",
    "coreml": "pip install --force-reinstall onnxruntime",
    "directml": "pip uninstall --yes onnxruntime && pip install onnxruntime-directml",
}


@pytest.mark.parametrize(
    ("system", "name", "there"),
    [
        ("linux", "x86_64", {"openvino", "openvino:gpu"}),
        ("linux", "aarch64", set()),
        ("win32", "AMD64", {"openvino", "openvino:gpu", "directml"}),
        ("darwin", "arm64", {"coreml"}),
    ],
)
def test_each_system_is_told_what_it_can_install(machine, monkeypatch, system, name, there):
    machine(name, (3, 12))
    monkeypatch.setattr(sys, "platform", system)
    assert PRESENT.keys() == OTHERS.keys()
    for device, command in PRESENT.items():
        remedy = remedies.onnxruntime_for(device)
        if device in there:
            assert remedy == command
        else:
            assert "pip" not in remedy
            assert remedy.endswith("; use 'cpu'")


@pytest.mark.parametrize(
    ("system", "processor", "brings"),
    [
        ("linux", "x86_64", True),
        ("win32", "AMD64", True),
        ("linux", "aarch64", False),
        ("darwin", "x86_64", False),
        ("darwin", "arm64", False),
    ],
)
def test_the_extra_brings_tensorrt_where_pypi_has_it(system, processor, brings):
    wanted = [Requirement(one) for one in requires("aernet") or () if one.startswith("tensorrt>")]
    here = {"sys_platform": system, "platform_machine": processor, "extra": "tensorrt"}
    assert [one.marker is None or one.marker.evaluate(here) for one in wanted] == [brings]
