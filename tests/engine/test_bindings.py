"""The adapter against the recorded signatures of TensorRT 10.3 to 11.4 and TensorRT-RTX 1.4 to 1.7."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from fakes.recorded_tensorrt import BINDINGS, Instance, Recorded

from aernet.engine.adapter import BuilderOptions, RuntimeAdapter
from aernet.engine.layers import Layer
from aernet.errors import EngineError

PLAN = b"the plan"
NAMES = ("image", "probability")
CONVOLUTIONS = {"float16": 1, "float32": 1}
# As TensorRT 11 tells a type, apart from the format, and as TensorRT 10 does, in one sentence.
TOLD = {
    "Name": "b",
    "LayerType": "CaskConvolution",
    "Inputs": [{"Name": "x", "Datatype": "Half", "Format": "(NHWC) Channel major format"}],
    "Outputs": [{"Name": "y", "Format/Datatype": "Row major linear FP32 format"}],
    "Metadata": "[ONNX Layer: conv]\x1e[ONNX Layer: relu]",
}


@pytest.fixture(params=BINDINGS, ids=lambda path: path.stem)
def trt(request):
    return Recorded(request.param, answers={})


@pytest.fixture
def adapter(trt):
    def layer(index):
        kind, dtype = [("CONVOLUTION", "HALF"), ("ACTIVATION", "HALF"), ("DECONVOLUTION", "FLOAT")][index]
        tensor = SimpleNamespace(dtype=trt.DataType[dtype])
        return SimpleNamespace(type=trt.LayerType[kind], get_output=lambda _: tensor)

    trt.answers |= {
        "INetworkDefinition.num_layers": 3,
        "INetworkDefinition.get_layer": layer,
        "ITensor.name": "image",
        "ITensor.shape": (-1, 3, 64, 64),
        "Builder.build_serialized_network": PLAN,
        "ITimingCache.serialize": b"timings",
        "IRuntimeCache.serialize": b"kernels",
        "ICudaEngine.num_io_tensors": 2,
        "ICudaEngine.get_tensor_name": NAMES.__getitem__,
        "ICudaEngine.get_tensor_mode": lambda name: (
            trt.TensorIOMode.INPUT if name == "image" else trt.TensorIOMode.OUTPUT
        ),
        "ICudaEngine.get_tensor_shape": lambda name: (-1, 3 if name == "image" else 1, 64, 64),
        "ICudaEngine.get_tensor_dtype": lambda _: trt.DataType.FLOAT,
        "ICudaEngine.get_tensor_profile_shape": lambda _name, _profile: (
            [(1, 3, 64, 64)] * 2 + [(4, 3, 64, 64)]
        ),
        "ICudaEngine.device_memory_size_v2": 4096,
        "EngineInspector.get_engine_information": json.dumps({"Layers": ["a", TOLD]}),
    }
    return RuntimeAdapter(trt.name, trt)


def test_a_build(adapter, trt, tmp_path):
    timing_cache = tmp_path / "timing" / "cache"
    capabilities = ("8.6", "12.0") if trt.name == "tensorrt-rtx" else ()
    options = BuilderOptions(
        batch=(1, 2, 4),
        workspace_mib=3,
        optimization_level=4,
        compute_capabilities=capabilities,
        timing_cache=timing_cache if trt.name == "tensorrt" else None,
    )
    plan, layers = adapter.build(b"onnx", options, CONVOLUTIONS)
    assert plan == PLAN
    assert [layer.name for layer in layers] == (["a", "b"] if trt.name == "tensorrt" else [])
    ((flags,),) = trt.called("Builder.create_network")
    assert flags == 1 << trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    assert trt.called("IOptimizationProfile.set_shape") == [
        ("image", (1, 3, 64, 64), (2, 3, 64, 64), (4, 3, 64, 64))
    ]
    assert trt.called("ITensor.shape") == []
    assert trt.called("IBuilderConfig.clear_flag") == [(trt.BuilderFlag.TF32,)]
    assert trt.called("IBuilderConfig.set_memory_pool_limit") == [(trt.MemoryPoolType.WORKSPACE, 3 << 20)]
    assert trt.called("IBuilderConfig.builder_optimization_level") == [4]
    if trt.name == "tensorrt-rtx":
        assert trt.called("IBuilderConfig.set_flag") == [(trt.BuilderFlag.REQUIRE_USER_ALLOCATION,)]
        assert trt.called("IBuilderConfig.num_compute_capabilities") == [2]
        wanted = [(trt.ComputeCapability.SM86, 0), (trt.ComputeCapability.SM120, 1)]
        assert trt.called("IBuilderConfig.set_compute_capability") == wanted
        assert not timing_cache.exists()
    else:
        assert trt.called("IBuilderConfig.set_flag") == []
        assert trt.called("IBuilderConfig.create_timing_cache") == [(b"",)]
        assert timing_cache.read_bytes() == b"timings"
        adapter.build(b"onnx", options, CONVOLUTIONS)
        assert trt.called("IBuilderConfig.create_timing_cache") == [(b"",), (b"timings",)]


def test_convolutions_of_dequantised_tensors_are_int8(adapter, trt):
    def layer(index):
        kind, reads, writes = [
            ("DEQUANTIZE", ["integers"], "input"),
            ("DEQUANTIZE", ["weights of integers"], "weights"),
            ("CONVOLUTION", ["input", "weights"], "x"),
            ("CONVOLUTION", ["input"], "y"),
        ][index]
        put_out = SimpleNamespace(name=writes, dtype=trt.DataType.FLOAT)
        return SimpleNamespace(
            type=trt.LayerType[kind],
            num_inputs=len(reads),
            get_input=lambda number: SimpleNamespace(name=reads[number]),
            get_output=lambda _: put_out,
        )

    trt.answers |= {"INetworkDefinition.num_layers": 4, "INetworkDefinition.get_layer": layer}
    plan, _ = adapter.build(b"onnx", BuilderOptions(), {"int8": 1, "float32": 1})
    assert plan == PLAN
    with pytest.raises(EngineError, match=r"expected convolutions .*'int8': 2.* has .*'int8': 1"):
        adapter.build(b"onnx", BuilderOptions(), {"int8": 2})


def test_a_batch_that_never_varies_is_fixed_in_the_network(adapter, trt):
    adapter.build(b"onnx", BuilderOptions(batch=(2, 2, 2)), CONVOLUTIONS)
    assert trt.called("ITensor.shape") == [(2, 3, 64, 64)]


def test_refusals_of_a_build(adapter, trt, tmp_path):
    with pytest.raises(EngineError, match="the parsed network has"):
        adapter.build(b"onnx", BuilderOptions(), {"float16": 2})
    if trt.name == "tensorrt":
        with pytest.raises(EngineError, match="leave out --compute-capability"):
            adapter.build(b"onnx", BuilderOptions(compute_capabilities=("8.6",)), CONVOLUTIONS)
        trt.answers["IBuilderConfig.set_timing_cache"] = False
        with pytest.raises(EngineError, match=r"timing\.cache: not a timing cache of tensorrt"):
            adapter.build(b"onnx", BuilderOptions(timing_cache=tmp_path / "timing.cache"), CONVOLUTIONS)
        trt.answers["IBuilderConfig.set_timing_cache"] = True
    trt.answers["Builder.build_serialized_network"] = None
    with pytest.raises(EngineError, match=f"{trt.name} .* does not make a plan: it gives no reason"):
        adapter.build(b"onnx", BuilderOptions(), CONVOLUTIONS)
    trt.answers["OnnxParser.parse"] = False
    trt.answers["OnnxParser.num_errors"] = 1
    trt.answers["OnnxParser.get_error"] = lambda _: Instance(trt, "ParserError")
    trt.answers["ParserError.desc"] = "no such operator"
    with pytest.raises(EngineError, match="cannot parse the model: no such operator"):
        adapter.build(b"onnx", BuilderOptions(), CONVOLUTIONS)


def test_an_engine_is_loaded_shared_by_contexts_and_run(adapter, trt):
    engine = adapter.load(PLAN)
    assert trt.called("Runtime.deserialize_cuda_engine") == [(PLAN,)]
    assert engine.inputs == {"image": ((-1, 3, 64, 64), np.dtype(np.float32))}
    assert engine.outputs == {"probability": ((-1, 1, 64, 64), np.dtype(np.float32))}
    (bare, told) = engine.layers()
    assert bare == Layer("a", "", (), (), ())
    assert told == Layer("b", "CaskConvolution", ("float16",), ("float32",), ("conv", "relu"))
    context, other = engine.context(), engine.context()
    assert context is not other
    ((given,), _) = trt.called("ICudaEngine.create_execution_context")
    managed = trt.ExecutionContextAllocationStrategy.USER_MANAGED
    if trt.name == "tensorrt":
        assert given == managed
    else:
        strategies = trt.called("IRuntimeConfig.set_execution_context_allocation_strategy")
        assert strategies == [(managed,)]
        eager = trt.DynamicShapesKernelSpecializationStrategy.EAGER
        assert trt.called("IRuntimeConfig.dynamic_shapes_kernel_specialization_strategy") == [eager]
        assert len(trt.called("IRuntimeConfig.set_runtime_cache")) == 1
    assert context.device_memory_bytes == 4096
    context.bind_memory(0x700)
    assert trt.called("IExecutionContext.set_device_memory") == [(0x700, 4096)]
    context.set_batch(3)
    assert trt.called("IExecutionContext.set_input_shape") == [("image", (3, 3, 64, 64))]
    for name, pointer in zip(NAMES, (0x100, 0x200), strict=True):
        context.bind(name, pointer)
    assert trt.called("IExecutionContext.set_tensor_address") == [("image", 0x100), ("probability", 0x200)]
    assert context.is_capturable(7)
    assert len(trt.called("IExecutionContext.is_stream_capturable")) == (trt.name == "tensorrt-rtx")
    context.enqueue(7)
    assert trt.called("IExecutionContext.execute_async_v3") == [(7,)]


def test_what_tensorrt_compiled_for_a_gpu_is_kept_and_read_again(adapter, trt, cache_folder):
    engine = adapter.load(PLAN)
    del engine
    files = [path for path in cache_folder.rglob("*") if path.is_file()]
    if trt.name == "tensorrt":
        assert files == []
        return
    (file,) = files
    assert file.read_bytes() == b"kernels"
    assert trt.__version__ in file.parts
    adapter.load(PLAN)
    assert trt.called("IRuntimeCache.deserialize") == [(b"kernels",)]


def test_refusals_of_a_run(adapter, trt):
    context = adapter.load(PLAN).context()
    with pytest.raises(EngineError, match="batch of 5: the engine was built for 1 to 4 pictures"):
        context.set_batch(5)
    for name, call in (
        ("set_input_shape", lambda: context.set_batch(1)),
        ("set_tensor_address", lambda: context.bind("image", 1)),
        ("execute_async_v3", lambda: context.enqueue(7)),
    ):
        trt.answers[f"IExecutionContext.{name}"] = False
        with pytest.raises(EngineError, match=r"TensorRT refuses the .*: it gives no reason"):
            call()
    if trt.name == "tensorrt-rtx":
        trt.answers["IExecutionContext.is_stream_capturable"] = False
        assert not context.is_capturable(7)


def test_refusals_of_a_plan_and_of_a_context(adapter, trt):
    engine = adapter.load(PLAN)
    trt.answers["ICudaEngine.create_execution_context"] = None
    with pytest.raises(EngineError, match="TensorRT makes no execution context"):
        engine.context()

    def refuse(_):
        adapter._logger.log(trt.ILogger.Severity.ERROR, "wrong version")

    trt.answers["Runtime.deserialize_cuda_engine"] = refuse
    with pytest.raises(
        EngineError, match=f"{trt.name} .* does not make an engine of the plan: wrong version"
    ):
        adapter.load(PLAN)


def test_warnings_go_to_the_log_and_errors_into_the_exception(adapter, trt, caplog):
    def refuse(_):
        adapter._logger.log(trt.ILogger.Severity.WARNING, "slow\n  kernels")
        adapter._logger.log(trt.ILogger.Severity.INFO, "nothing")
        adapter._logger.log(trt.ILogger.Severity.ERROR, "wrong version")

    trt.answers["Runtime.deserialize_cuda_engine"] = refuse
    with pytest.raises(EngineError, match=r"plan: wrong version$"):
        adapter.load(PLAN)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("aernet.engine.callbacks", "WARNING")
    assert record.getMessage() == f"{trt.name}: slow kernels"


def test_a_build_happens_on_the_gpu_that_is_named(adapter, trt):
    """The current GPU is a thread's own, and a build has a thread of its own."""
    entered = []

    class Device:
        def __enter__(self):
            entered.append((threading.current_thread(), len(trt.calls)))

        def __exit__(self, *_):
            entered.append((threading.current_thread(), len(trt.calls)))

    adapter.build(b"onnx", BuilderOptions(), CONVOLUTIONS, device=Device())
    (start, calls_before), (end, calls_after) = entered
    assert start is end is not threading.current_thread()
    assert (calls_before, calls_after) == (0, len(trt.calls))


def test_a_version_that_does_not_know_a_gpu_yet(adapter, trt):
    if trt.name == "tensorrt":
        assert adapter.compute_capabilities(BuilderOptions()) == ()
        return
    if trt.__version__.startswith("1.4"):
        assert adapter.compute_capabilities(BuilderOptions()) == ("8.6", "8.9", "12.0")
        with pytest.raises(
            EngineError, match=r"1\.4.* is too old for compute capability 12\.1, it knows 7\.5,"
        ):
            adapter.compute_capabilities(BuilderOptions(compute_capabilities=("12.1",)))
    else:
        assert adapter.compute_capabilities(BuilderOptions()) == ("8.6", "8.9", "12.0", "12.1")
