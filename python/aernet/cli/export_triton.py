"""`aernet-trt export-triton`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from aernet.cli.options import Model
from aernet.models import DEFAULT


def export_triton(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the model repository; absent or empty.")
    ],
    model: Model = DEFAULT,
    runtime: Annotated[
        Literal["onnxruntime", "tensorrt"] | None,
        typer.Option(
            help="What runs the network; tensorrt takes the engine that build-engine made of the model for"
            " this machine's TensorRT and GPU. By default as MODEL is."
        ),
    ] = None,
    max_batch: Annotated[int, typer.Option(min=1, help="Most pictures of one run of the network.")] = 8,
) -> None:
    """Write a model repository for NVIDIA's Triton Inference Server: network alone, and pictures to masks."""
    from aernet.errors import AernetError
    from aernet.models import resolve_model
    from aernet.triton.repository import write_repository

    path = resolve_model(model)
    is_engine = path.suffix == ".engine"
    if is_engine and runtime == "onnxruntime":
        raise AernetError(f"{path}: an engine runs in TensorRT; for ONNX Runtime give the ONNX model")
    if runtime == "tensorrt" and not is_engine:
        path = _engine_of(path)
    for name in write_repository(path, folder, max_batch):
        typer.echo(folder / name)


def _engine_of(model: Path) -> Path:
    """Return the engine that was built of a model for TensorRT here."""
    from aernet.engine.manifest import load_manifest
    from aernet.errors import EngineError
    from aernet.runners.choice import find_built_engines
    from aernet.runners.onnxruntime import OnnxRuntimeRunner

    for engine in find_built_engines(model, OnnxRuntimeRunner(model).card.name, 0):
        if load_manifest(engine).runtime == "tensorrt":
            return engine
    raise EngineError(
        f"{model}: has no engine of TensorRT here; 'aernet-trt build-engine --runtime tensorrt' builds it"
    )
