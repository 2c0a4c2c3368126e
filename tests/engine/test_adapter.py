"""The adapter over TensorRT-RTX itself."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys

import pytest
from engine.marks import needs_tensorrt_rtx

from aernet.engine import adapter
from aernet.engine.adapter import BuilderOptions, installed_runtimes, open_runtime
from aernet.engine.onnx_model import read_model
from aernet.engine.precision import to_half
from aernet.errors import EngineError


@pytest.fixture(scope="module")
def half(network):
    return to_half(read_model(network))


@pytest.fixture
def rtx():
    return open_runtime("tensorrt-rtx")


def build(rtx, model, monitor=None, **options):
    serialized = model.proto.SerializeToString()
    plan, _ = rtx.build(serialized, BuilderOptions(**options), model.layer_types, monitor)
    return plan


@needs_tensorrt_rtx
def test_what_is_installed_is_told_without_importing_it():
    version = importlib.metadata.version("tensorrt-rtx")
    assert installed_runtimes()["tensorrt-rtx"] == version
    program = "import sys; from aernet.engine.adapter import installed_runtimes; installed_runtimes();"
    program += "assert not {'tensorrt_rtx', 'tensorrt', 'onnx', 'onnxruntime'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("content", [None, "raise ImportError('libnvinfer.so.10: no such file')"])
def test_what_only_looks_like_tensorrt_is_not_installed(tmp_path, monkeypatch, content):
    """A folder of NVIDIA's samples, or bindings without their libraries."""
    (tmp_path / "tensorrt").mkdir()
    if content:
        (tmp_path / "tensorrt" / "__init__.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    monkeypatch.setattr(
        adapter, "version", lambda _: (_ for _ in ()).throw(importlib.metadata.PackageNotFoundError)
    )
    assert "tensorrt" not in installed_runtimes()
    sys.modules.pop("tensorrt", None)


def test_what_is_absent_comes_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match=r"tensorrt is not installed, .*pip install 'aernet\[tensorrt\]'"):
        open_runtime("tensorrt")
    with pytest.raises(EngineError, match="expected one of tensorrt-rtx, tensorrt"):
        open_runtime("tensorflow")


def test_a_version_that_is_too_old_is_refused(monkeypatch):
    monkeypatch.setattr(adapter, "import_module", lambda _: type("Old", (), {"__version__": "8.6.1"}))
    with pytest.raises(EngineError, match=r"expected version 10\.3 or later, found 8\.6\.1"):
        open_runtime("tensorrt")


@needs_tensorrt_rtx
def test_a_build_tells_of_its_phases(rtx, half):
    phases, ended, steps = {}, [], []

    class Phases:
        def started(self, phase, parent, count):
            phases[phase] = (parent, count)

        def stepped(self, phase, step):
            steps.append((phase, step))

        def finished(self, phase):
            ended.append(phase)

    plan = build(rtx, half, Phases())
    assert plan.startswith(b"vtrt")
    outermost = [phase for phase, (parent, _) in phases.items() if parent is None]
    assert len(outermost) == 1
    assert ended[-1] == outermost[0]
    assert set(ended) == set(phases)
    assert steps
    assert all(0 <= step < phases[phase][1] for phase, step in steps)


@needs_tensorrt_rtx
@pytest.mark.parametrize("batch", [(1, 1, 1), (4, 4, 4), (1, 2, 8)])
def test_fixed_and_varying_batches(rtx, half, batch):
    assert build(rtx, half, batch=batch).startswith(b"vtrt")


@needs_tensorrt_rtx
def test_all_options_of_tensorrt_rtx(rtx, half):
    for capabilities in (("7.5",), ("8.6", "8.9", "12.0")):
        options = {"workspace_mib": 64, "optimization_level": 1, "compute_capabilities": capabilities}
        assert build(rtx, half, **options).startswith(b"vtrt")


@needs_tensorrt_rtx
def test_options_that_do_not_go_with_it(rtx, half, tmp_path):
    for capability in ("8.0", "8.7", "9.0", "10.0", "11.0", "9.9"):
        with pytest.raises(
            EngineError,
            match=rf"cannot build for compute capability {capability}: NVIDIA's support matrix .* 7\.5 ",
        ):
            build(rtx, half, compute_capabilities=("8.6", capability))
    with pytest.raises(EngineError, match="leave out --timing-cache"):
        build(rtx, half, timing_cache=tmp_path / "timing.cache")


@needs_tensorrt_rtx
def test_what_is_not_onnx(rtx):
    with pytest.raises(EngineError, match="cannot parse the model: "):
        rtx.build(b"nothing of the kind", BuilderOptions(), {})


@needs_tensorrt_rtx
def test_a_network_of_other_types_than_asked_for(rtx, half, network):
    full = read_model(network)
    with pytest.raises(EngineError, match=r"expected convolutions .*'float16': 2.* has .*'float32': 4"):
        rtx.build(full.proto.SerializeToString(), BuilderOptions(), half.layer_types)


@needs_tensorrt_rtx
@pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="there is a GPU")  # noqa: PTH110
def test_loading_without_a_gpu_is_refused_with_what_tensorrt_says(rtx, half):
    with pytest.raises(EngineError, match=r"tensorrt-rtx [\d.]+ does not make an engine of the plan: .*CUDA"):
        rtx.load(build(rtx, half))


@needs_tensorrt_rtx
def test_ctrl_c_ends_a_build_and_nothing_crashes(network):
    program = f"""
import os, signal, sys
from pathlib import Path
from aernet.engine.adapter import BuilderOptions, open_runtime
from aernet.engine.onnx_model import read_model
signal.signal(signal.SIGINT, signal.default_int_handler)
class Impatient:
    def started(self, phase, parent, steps):
        if parent is None:
            os.kill(os.getpid(), signal.SIGINT)
    def stepped(self, phase, step): pass
    def finished(self, phase): print("ended", phase)
model = read_model(Path({str(network)!r}))
try:
    open_runtime("tensorrt-rtx").build(
        model.proto.SerializeToString(), BuilderOptions(), model.layer_types, Impatient()
    )
except KeyboardInterrupt:
    sys.exit(130)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=120
    )
    assert answer.returncode == 130, answer.stderr
    assert "ended" in answer.stdout
