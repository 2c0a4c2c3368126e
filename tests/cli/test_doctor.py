from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import onnxruntime
import pynvml
import pytest
from typer.testing import CliRunner

import aernet
import aernet.cli.gpus
import aernet.engine.adapter
import aernet.engine.gpu
import aernet.models
import aernet.runners.choice
import aernet.video.sources.camera
from aernet import _native, remedies
from aernet.cli.app import app
from aernet.engine.gpu import Gpu

_FIND_NVCC = aernet.cli.gpus.find_nvcc


def run(*arguments):
    return CliRunner().invoke(app, ["doctor", *arguments])


def diagnosis():
    answer = run("--json")
    assert answer.exit_code == 0
    content = json.loads(answer.stdout)
    return {check["name"]: check for check in content["checks"]}, content["use"]


@pytest.fixture
def bundled(model, monkeypatch):
    for module in (aernet.models, aernet.runners.choice):
        monkeypatch.setattr(module, "bundled_models", lambda: {"aernet": model})


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """No GPU, no TensorRT, no toolkit; returns what gives the machine some."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(aernet.cli.gpus, "_SYSTEM", tmp_path)
    monkeypatch.setattr(aernet.cli.gpus, "find_nvcc", lambda: None)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    def machine(gpu, *, cuda="13.0", runtimes=()):
        monkeypatch.setattr(aernet.engine.gpu, "find_gpu", lambda *_: gpu)
        monkeypatch.setattr(aernet.engine.adapter, "installed_runtimes", lambda: dict(runtimes))
        monkeypatch.setattr(_native, "cuda_version", cuda)

    machine(None)
    return machine


class PretendedGpu:
    def __init__(self, index):
        self.name, self.pci_bus_id, self.compute_capability = f"card {index}", "0000:01:00.0", (8, 9)
        self.is_integrated, self.memory_bytes, self.clock_khz = index == 1, 24 * 2**30, 2_520_000


@pytest.mark.usefixtures("bundled")
def test_what_the_machine_has():
    checks, _ = diagnosis()
    needed = [check for check in checks.values() if check["state"] != "absent"]
    assert {check["state"] for check in needed} == {"ok"}
    assert {check["remedy"] for check in needed} == {""}
    assert platform.machine() in checks["system"]["found"]
    assert f"{os.cpu_count()} cores" in checks["processor"]["found"]
    assert checks["python"]["found"] == platform.python_version()
    assert checks["numpy"]["found"] == np.__version__
    assert onnxruntime.__version__ in checks["onnxruntime"]["found"]
    assert "CPUExecutionProvider" in checks["onnxruntime"]["found"]
    assert checks["extra train"]["state"] == "ok"
    assert f"torch {version('torch')}" in checks["extra train"]["found"]
    assert "64 x 64" in checks["model aernet"]["found"]


def test_what_the_extension_is_built_with(machine):
    assert "built with CUDA 13.0" in diagnosis()[0]["extension"]["found"]
    machine(None, cuda=None)
    assert "built with no CUDA" in diagnosis()[0]["extension"]["found"]


def test_the_way_of_a_jetsons_frames(monkeypatch):
    monkeypatch.setitem(sys.modules, "aernet._nvmm", None)
    check = diagnosis()[0]["nvmm"]
    assert (check["state"], check["remedy"]) == ("absent", "")
    assert check["found"] == "not in this build; a Jetson's GPU gets its camera's frames through a pipe"
    monkeypatch.setitem(sys.modules, "aernet._nvmm", ModuleType("_nvmm"))
    assert diagnosis()[0]["nvmm"]["state"] == "ok"
    assert diagnosis()[0]["nvmm"]["found"].startswith("loaded; ")
    assert diagnosis()[0]["nvmm"]["found"].endswith(" without a copy through the host")


def test_opencv_and_gstreamer(monkeypatch):
    has = "GStreamer:                   YES" in cv2.getBuildInformation()
    folder = Path(cv2.__file__).parents[1]
    found = f"{cv2.__version__} in {folder}, with{'' if has else 'out'} GStreamer"
    assert diagnosis()[0]["opencv"]["found"] == found
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: WITH_GSTREAMER)
    assert diagnosis()[0]["opencv"]["found"].endswith("with GStreamer")


WITH_GSTREAMER = "  Video I/O:\n    GStreamer:      YES (1.20.3)\n"
WITHOUT = "  Video I/O:\n    FFMPEG:      YES\n"


@pytest.fixture
def another_opencv(tmp_path, monkeypatch):
    """Put another OpenCV behind the loaded one, as a JetPack's is behind pip's."""

    def another(content):
        folder = tmp_path / "dist-packages"
        (folder / "cv2").mkdir(parents=True)
        (folder / "cv2" / "__init__.py").write_text(content)
        monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
        return folder

    return another


def described(information):
    return f"__version__ = '4.8.0'\ndef getBuildInformation():\n    return {information!r}\n"


def test_a_jetpacks_opencv_that_pips_hides(another_opencv, monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: WITHOUT)
    folder = another_opencv(described(WITH_GSTREAMER))
    check = diagnosis()[0]["opencv"]
    assert check["state"] == "warn"
    assert check["found"].endswith(f"without GStreamer; it hides 4.8.0 in {folder}, with GStreamer")
    assert "docs/jetson.md" in check["remedy"]


def test_another_opencv_that_nobody_misses(another_opencv, monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: WITH_GSTREAMER)
    another_opencv(described(WITH_GSTREAMER))
    check = diagnosis()[0]["opencv"]
    assert (check["state"], check["remedy"]) == ("ok", "")
    assert "; it hides 4.8.0 in " in check["found"]


def test_another_opencv_that_is_broken(another_opencv):
    folder = another_opencv("raise ImportError('undefined symbol')")
    check = diagnosis()[0]["opencv"]
    assert check["state"] == "ok"
    assert check["found"].endswith(f"it hides one in {folder} that cannot be loaded")


def test_the_providers_of_other_devices(monkeypatch):
    there = ["OpenVINOExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    monkeypatch.setattr(sys, "platform", "win32")
    checks, _ = diagnosis()
    assert checks["device openvino"] == {
        "name": "device openvino", "state": "ok", "found": "OpenVINOExecutionProvider is there", "remedy": "",
    }  # fmt: skip
    assert checks["device directml"]["state"] == "absent"
    assert checks["device directml"]["found"] == "no DmlExecutionProvider"
    assert checks["device directml"]["remedy"].endswith("pip install onnxruntime-directml")


def test_two_packages_that_overwrite_each_other(monkeypatch):
    names = ["onnxruntime", "numpy", "onnxruntime-openvino"]
    monkeypatch.setattr(
        importlib.metadata, "distributions", lambda: [SimpleNamespace(name=name) for name in names]
    )
    check = diagnosis()[0]["onnxruntime"]
    assert check["state"] == "warn"
    assert check["found"].endswith("; installed: onnxruntime, onnxruntime-openvino")
    assert check["remedy"].startswith(
        "pip uninstall --yes onnxruntime onnxruntime-openvino, then install one"
    )


def test_every_extra_is_told(monkeypatch):
    find = importlib.util.find_spec
    hidden = {"av", "onnxscript"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in hidden else find(name))
    checks, _ = diagnosis()
    assert {f"extra {extra}" for extra in remedies.EXTRAS} <= checks.keys()
    assert checks["extra video"]["state"] == "absent"
    assert checks["extra video"]["found"].startswith("not installed (for ")
    assert checks["extra video"]["remedy"] == "pip install 'aernet[video]'"
    assert "; lacks onnxscript (for train" in checks["extra train"]["found"]
    assert (checks["extra viewer"]["state"], checks["extra viewer"]["remedy"]) == ("ok", "")
    assert f"starlette {version('starlette')}, " in checks["extra viewer"]["found"]


def test_what_live_video_needs(monkeypatch, tmp_path):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(aernet.video.sources.camera, "_DEVICES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    checks, _ = diagnosis()
    for name in ("gstreamer", "display", "cameras"):
        assert checks[name]["state"] == "absent"
    monkeypatch.setenv("DISPLAY", ":0")
    (tmp_path / "video10").touch()
    (tmp_path / "video2").touch()
    program = tmp_path / "gst-launch-1.0"
    program.write_text("#!/bin/sh\necho gst-launch-1.0 version 1.20.3\necho GStreamer 1.20.3\n")
    program.chmod(0o755)
    checks, _ = diagnosis()
    assert checks["gstreamer"]["found"] == "gst-launch-1.0 1.20.3"
    assert checks["display"]["state"] == "ok"
    assert checks["cameras"]["found"] == f"{tmp_path / 'video2'} (no name), {tmp_path / 'video10'} (no name)"


@pytest.mark.parametrize(("free", "state"), [(10**8, "warn"), (10**11, "ok")])
def test_the_cache_and_its_room(monkeypatch, tmp_path, free, state):
    engine = tmp_path / "aernet" / "engines" / "a.engine"
    engine.parent.mkdir(parents=True)
    engine.write_bytes(bytes(3_000_000))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    check = diagnosis()[0]["cache"]
    assert check["state"] == state
    assert check["found"] == f"{tmp_path / 'aernet'}, 3 MB in it, {free / 1e9:.1f} GB free"


@pytest.mark.usefixtures("bundled")
def test_gpus(machine, monkeypatch):
    machine(Gpu("card 0", "8.9", 16), runtimes={"tensorrt-rtx": "1.7.1.116"})
    monkeypatch.setattr(_native, "device_count", lambda: 2, raising=False)
    monkeypatch.setattr(_native, "driver_version", lambda: "12.8", raising=False)
    monkeypatch.setattr(_native, "Device", PretendedGpu, raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByPciBusId", {PretendedGpu(0).pci_bus_id: "it"}.get)
    now = {("it", pynvml.NVML_CLOCK_SM): 2100, ("it", pynvml.NVML_CLOCK_MEM): 9501}
    monkeypatch.setattr(pynvml, "nvmlDeviceGetClockInfo", lambda *asked: now[asked])
    most = {("it", pynvml.NVML_CLOCK_SM): 2520}
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMaxClockInfo", lambda *asked: most[asked])
    checks, use = diagnosis()
    assert checks["cuda"]["found"] == "the driver supports 12.8, aernet uses 13.0"
    clocks = "2100 MHz of at most 2520 MHz, memory 9501 MHz"
    assert checks["gpu 0"]["found"] == f"card 0, compute capability 8.9, 24.0 GiB, {clocks}"
    assert "24.0 GiB shared with the processor" in checks["gpu 1"]["found"]
    assert checks["tensorrt"]["found"] == "tensorrt-rtx 1.7.1.116"
    assert use["device"] == "cpu"
    assert use["why"] == "nothing that is installed runs it on the GPU"
    assert "'aernet-trt build-engine aernet' builds it" in use["refusals"][0]
    assert "onnxruntime-gpu" in use["refusals"][1]
    assert "not used: " in run().stdout


@pytest.mark.usefixtures("bundled")
def test_a_gpu_that_cannot_be_used(machine, monkeypatch):
    machine(Gpu("card 0", "8.9", 16), cuda=None)
    checks, _ = diagnosis()
    assert checks["cuda"]["state"] == "warn"
    assert checks["cuda"]["found"] == "not in this build, which cannot use card 0"
    assert re.match(r"install CUDA 12 or 13, then .*pip install .*AERNET_CUDA=ON", checks["cuda"]["remedy"])
    assert "pip install 'aernet[tensorrt-rtx]'" in checks["tensorrt"]["remedy"]

    def refuse():
        raise aernet.AernetError("this build needs a driver for CUDA 13.0, found one for 12.2")

    machine(Gpu("card 0", "8.9", 16))
    monkeypatch.setattr(_native, "driver_version", lambda: "12.2", raising=False)
    monkeypatch.setattr(_native, "device_count", refuse, raising=False)
    assert "found one for 12.2" in diagnosis()[0]["gpu"]["remedy"]


@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize("gpu", [None, Gpu("Orin", "8.7", 16)])
def test_a_build_without_cuda_beside_a_toolkit(machine, monkeypatch, tmp_path, gpu):
    monkeypatch.setattr(aernet.cli.gpus, "find_nvcc", _FIND_NVCC)
    nvcc = tmp_path / "toolkit" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.touch(mode=0o755)
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "toolkit"))
    monkeypatch.delenv("CUDACXX", raising=False)
    machine(gpu, cuda=None)
    check = diagnosis()[0]["cuda"]
    assert check["state"] == "warn"
    assert f"though {nvcc} is here" in check["found"]
    assert ("cannot use Orin" in check["found"]) == (gpu is not None)
    assert f"CUDACXX={nvcc} pip install" in check["remedy"]
    machine(gpu)
    monkeypatch.setattr(_native, "device_count", lambda: 0, raising=False)
    monkeypatch.setattr(_native, "driver_version", lambda: "13.0", raising=False)
    assert diagnosis()[0].get("cuda", {"state": "ok"})["state"] == "ok"


@pytest.mark.usefixtures("bundled")
def test_a_tensorrt_that_a_virtual_environment_does_not_see(machine, monkeypatch, tmp_path):
    tensorrt = tmp_path / "python3.10" / "dist-packages" / "tensorrt"
    tensorrt.mkdir(parents=True)
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(sys, "prefix", "/home/me/venv")
    check = diagnosis()[0]["tensorrt"]
    assert check["state"] == "warn"
    assert check["found"] == f"absent; this virtual environment does not see {tensorrt}"
    assert check["remedy"] == "/usr/bin/python3 -m venv --system-site-packages /home/me/venv"
    machine(None, runtimes={"tensorrt": "10.3.0"})
    assert diagnosis()[0]["tensorrt"] == {
        "name": "tensorrt",
        "state": "ok",
        "found": "tensorrt 10.3.0",
        "remedy": "",
    }
    machine(None)
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert diagnosis()[0]["tensorrt"]["state"] == "ok"


@pytest.mark.parametrize(("mode", "state"), [("MAXN_SUPER", "ok"), ("15W", "warn")])
def test_a_jetson(monkeypatch, mode, state):
    texts = {
        "/proc/device-tree/model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0",
        "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic",
    }
    monkeypatch.setattr(aernet.cli.gpus, "_text", texts.__getitem__)
    monkeypatch.setattr(aernet.cli.gpus, "output", lambda *_: f"NV Power Mode: {mode}\n0\n")
    check = diagnosis()[0]["jetson"]
    assert check["state"] == state
    assert check["found"].endswith(f"Developer Kit Super, L4T 36.4.3, power mode {mode}")
    assert ("sudo nvpmodel" in check["remedy"]) == (state == "warn")


@pytest.mark.usefixtures("bundled")
def test_threads_are_those_that_are_set():
    before = int(re.search(r"(\d+) threads", diagnosis()[0]["extension"]["found"])[1])
    try:
        aernet.set_num_threads(before + 2)
        assert f"{before + 2} threads" in diagnosis()[0]["extension"]["found"]
    finally:
        aernet.set_num_threads(before)


@pytest.mark.usefixtures("bundled")
def test_what_will_be_used():
    _, use = diagnosis()
    assert (use["model"], use["device"]) == ("dark", "cpu")
    assert use["runtime"] == f"ONNX Runtime {onnxruntime.__version__}"
    assert use["why"]


def test_a_missing_model_is_a_warning_with_a_remedy(monkeypatch):
    monkeypatch.setattr(aernet.models, "bundled_models", dict)
    checks, use = diagnosis()
    assert checks["models"]["state"] == "warn"
    assert "--model" in checks["models"]["remedy"]
    assert use["model"] is None
    assert "no such model" in use["why"]


def test_a_broken_model_is_a_warning_with_a_remedy(tmp_path, monkeypatch):
    path = tmp_path / "aernet.onnx"
    path.write_text("broken")
    monkeypatch.setattr(aernet.models, "bundled_models", lambda: {"aernet": path})
    checks, use = diagnosis()
    assert checks["model aernet"]["state"] == "warn"
    assert "expected an ONNX model" in checks["model aernet"]["found"]
    assert checks["model aernet"]["remedy"]
    assert use["model"] is None
    answer = run()
    assert answer.exit_code == 0
    assert "will be used: nothing" in answer.stdout


@pytest.mark.usefixtures("bundled")
def test_the_table_names_every_check():
    checks, _ = diagnosis()
    answer = run()
    assert answer.exit_code == 0
    for name in checks:
        assert name.split()[0] in answer.stdout


def test_torch_is_not_imported():
    import subprocess

    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from aernet.cli import main; main()", "doctor"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "onnxruntime" in answer.stderr
    assert not re.search(r"\| +torch$", answer.stderr, re.MULTILINE)
