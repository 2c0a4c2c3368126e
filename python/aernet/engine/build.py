"""ONNX to engine: convert, prove, compile, look again, write."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aernet._native import __version__
from aernet.engine.folders import default_engine_path
from aernet.engine.gpu import find_gpu
from aernet.engine.manifest import Manifest, sha256_of, write_engine
from aernet.engine.onnx_model import read_model
from aernet.engine.plan import require_stored_weights
from aernet.engine.precision import require_agreement, to_half
from aernet.errors import EngineError
from aernet.models import bundled_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aernet.engine.adapter import BuilderOptions, RuntimeAdapter
    from aernet.engine.callbacks import Monitor

PRECISIONS = ("fp16", "fp32")


def build_engine(
    model: Path,
    folder: Path | None,
    adapter: RuntimeAdapter,
    precision: str,
    options: BuilderOptions,
    pictures: Sequence[Path],
    *,
    target: str | None = None,
    monitor: Monitor | None = None,
) -> tuple[Path, Manifest]:
    """Build NAME.engine with its manifest NAME.engine.json from an FP32 ONNX model; the card has the name.

    Args:
        model: the model, as `aernet-trt export` writes it.
        folder: where to write them; None takes the place where `auto` looks (`default_engine_path`).
        adapter: the runtime to build with and for.
        precision: "fp16" (mixed, see `precision`) or "fp32".
        options: what else may be said of the build.
        pictures: on these FP16 must give what FP32 gives; at least one.
        target: the name of the recipe that this follows, for the manifest.
        monitor: is told of the progress.

    Returns:
        The engine's path, and the manifest, in which it is not verified yet.

    Raises:
        ModelError: the file is not an AER-Net model.
        EngineError: FP16 does not give what FP32 gives, TensorRT refuses, or what it built is not what was
            asked for. Nothing is written.
        SourceError: a picture cannot be read.
    """
    if precision not in PRECISIONS:
        raise EngineError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    network = built = read_model(model)
    conversion = None
    if precision == "fp16":
        built = to_half(network)
        conversion = require_agreement(network, built, pictures)
    plan = adapter.build(built.proto.SerializeToString(), options, built.layer_types, monitor)
    gpu = find_gpu() if adapter.name == "tensorrt" else None
    if adapter.name == "tensorrt-rtx":
        require_stored_weights(plan, built, network)
    else:
        _require_precision(adapter.load(plan).layers(), precision)
    # Unless told otherwise, TensorRT-RTX builds for Ampere and all later.
    runs_on = (gpu.compute_capability,) if gpu else options.compute_capabilities or ("8.0+",)
    manifest = Manifest(
        aernet=__version__,
        model=next((name for name, path in bundled_models().items() if path == model), str(model.resolve())),
        metadata=network.metadata,
        onnx_sha256=sha256_of(model),
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        runtime=adapter.name,
        runtime_version=adapter.version,
        gpu=gpu.name if gpu else None,
        compute_capabilities=runs_on,
        precision=precision,
        convolutions=dict(built.layer_types),
        batch=options.batch,
        workspace_mib=options.workspace_mib,
        optimization_level=options.optimization_level,
        target=target,
        conversion=conversion,
        verification=None,
    )
    engine = default_engine_path(network.card.name)
    engine = folder / engine.name if folder else engine
    write_engine(engine, plan, manifest)
    return engine, manifest


def _require_precision(layers: Sequence[dict[str, Any]], precision: str) -> None:
    """See that most layers put out what was asked for, as far as TensorRT tells types at all."""
    told = [
        tensor["Format/Datatype"]
        for layer in layers
        for tensor in layer.get("Outputs", ())
        if "Format/Datatype" in tensor
    ]
    half = sum("Half" in datatype or "FP16" in datatype for datatype in told)
    if told and (2 * half > len(told)) != (precision == "fp16"):
        raise EngineError(
            f"asked for {precision}, but {half} of the {len(told)} tensors in the engine are float16;"
            " nothing was written; report this model"
        )
