"""Write down the signatures of TensorRT's Python bindings, which load here without TensorRT's libraries.

    pip download --no-deps tensorrt_cu12_bindings==10.3.0 && unzip tensorrt_cu12_bindings*.whl -d wheel
    python record.py wheel tensorrt_bindings > tensorrt-10.3.0.json
    python record.py "" tensorrt_rtx > tensorrt-rtx-1.7.1.116.json    # installed, with its libraries

The bindings want ten functions of libnvinfer, libnvonnxparser and libnvinfer_plugin. Empty ones do, for
nothing is called: pybind11 writes each signature into the docstring.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CLASSES = (
    "Builder",
    "ICudaEngine",
    "IBuilderConfig",
    "IExecutionContext",
    "IHostMemory",
    "ILayer",
    "INetworkDefinition",
    "IOptimizationProfile",
    "IRuntimeCache",
    "IRuntimeConfig",
    "ITensor",
    "ITimingCache",
    "EngineInspector",
    "OnnxParser",
    "ParserError",
    "Runtime",
)
ENUMS = (
    "BuilderFlag",
    "ComputeCapability",
    "DataType",
    "DynamicShapesKernelSpecializationStrategy",
    "ExecutionContextAllocationStrategy",
    "LayerInformationFormat",
    "LayerType",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "ProfilingVerbosity",
    "TensorIOMode",
)
SYMBOLS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
    "getInferLibVersion",
)


def record(module_name):
    module = importlib.import_module(module_name)
    classes = {name: members(getattr(module, name)) for name in CLASSES if hasattr(module, name)}
    enums = {
        name: {member: int(value) for member, value in getattr(module, name).__members__.items()}
        for name in ENUMS
        if hasattr(module, name)
    }
    return {"version": module.__version__, "classes": classes, "enums": enums}


def members(kind):
    found = {}
    for name in dir(kind):
        member = getattr(kind, name)
        if isinstance(member, property):
            found[name] = "read-write" if member.fset else "read"
        elif (name == "__init__" or not name.startswith("_")) and callable(member) and member.__doc__:
            found[name] = signatures(name, member.__doc__)
    return found


def signatures(name, documentation):
    """Return "(self, flags=0) -> INetworkDefinition" for each overload."""
    found = []
    for arguments, result in re.findall(rf"(?m)^(?:\d+\. )?{name}\((self.*)\) -> (.+)$", documentation):
        names = [
            re.sub(r"\W.*", "", part) + ("=None" if "=" in part else "")
            for part in re.split(r", (?=\w+: )", arguments)
        ]
        found.append(f"({', '.join(names)}) -> {re.split(r'[.:]', result)[-1]}")
    return found


def with_empty_libraries(folder, module_name):
    """Run this script again where the bindings find libraries of the wanted names."""
    (binary,) = Path(folder).glob("*/tensorrt.so")
    major = re.search(rb"libnvinfer\.so\.(\d+)", binary.read_bytes())[1].decode()
    with tempfile.TemporaryDirectory() as libraries:
        source = Path(libraries, "empty.c")
        source.write_text("".join(f"void *{symbol}(void) {{ return 0; }}\n" for symbol in SYMBOLS))
        for name in ("nvinfer", "nvonnxparser", "nvinfer_plugin"):
            file = f"lib{name}.so.{major}"
            output = Path(libraries, file)
            subprocess.run(
                ["cc", "-shared", "-fPIC", f"-Wl,-soname,{file}", "-o", output, source], check=True
            )
        environment = os.environ | {"LD_LIBRARY_PATH": libraries, "PYTHONPATH": folder}
        subprocess.run([sys.executable, __file__, "", module_name], check=True, env=environment)


if __name__ == "__main__":
    if sys.argv[1]:
        with_empty_libraries(*sys.argv[1:])
    else:
        recorded = record(sys.argv[2])
        lines = [
            f"  {json.dumps(name)}: {json.dumps(content)}"
            for part in ("classes", "enums")
            for name, content in recorded[part].items()
        ]
        print("{\n" + ",\n".join([f'  "version": {json.dumps(recorded["version"])}', *lines]) + "\n}")  # noqa: T201
