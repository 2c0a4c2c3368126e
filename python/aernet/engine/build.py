"""ONNX to engine: convert, prove, compile, look again, write."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aernet._native import __version__
from aernet.engine.folders import default_engine_path
from aernet.engine.gpu import find_gpu
from aernet.engine.integers import require_agreement as require_same_masks
from aernet.engine.integers import require_integers, require_quantised, to_symmetric
from aernet.engine.manifest import Manifest, write_engine
from aernet.engine.onnx_model import read_model
from aernet.engine.plan import require_stored_weights
from aernet.engine.precision import require_agreement, to_half
from aernet.errors import EngineError
from aernet.files import sha256_of
from aernet.models import bundled_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aernet._native import Device
    from aernet.engine.adapter import BuilderOptions, RuntimeAdapter
    from aernet.engine.callbacks import Monitor
    from aernet.engine.layers import Layer

PRECISIONS = ("fp16", "fp32", "int8")


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
    device: Device | None = None,
) -> tuple[Path, Manifest]:
    """Build NAME.engine with its manifest NAME.engine.json from an ONNX model; the card has the name.

    Args:
        model: the model, as `aernet-trt export` writes it.
        folder: where to write them; None takes the place where `auto` looks (`default_engine_path`).
        adapter: the runtime to build with and for.
        precision: "fp16" (mixed, see `precision`), "fp32", or for an INT8 model "int8".
        options: what else may be said of the build.
        pictures: on these FP16 must give what FP32 gives, and INT8 what the model gives; at least one.
        target: the name of the recipe that this follows, for the manifest.
        monitor: is told of the progress.
        device: the GPU to build on, which must be the current one; None takes the first.

    Returns:
        The engine's path, and the manifest, in which it is not verified yet.

    Raises:
        ModelError: the file is not an AER-Net model.
        EngineError: the precision does not go with the model, FP16 or INT8 does not give what the model
            gives, TensorRT refuses, or what it built is not what was asked for. Nothing is written.
        SourceError: a picture cannot be read.
    """
    if precision not in PRECISIONS:
        raise EngineError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    network = built = read_model(model)
    conversion = None
    require_quantised(network, precision)
    if precision == "int8":
        built = to_symmetric(network)
        conversion = require_same_masks(network, built, pictures)
    elif precision == "fp16":
        built = to_half(network)
        conversion = require_agreement(network, built, pictures)
    plan, layers = adapter.build(built.proto.SerializeToString(), options, built.layer_types, monitor, device)
    gpu = find_gpu() if adapter.name == "tensorrt" else None
    if precision == "int8":
        require_integers(layers, built)
    if adapter.name == "tensorrt-rtx":
        require_stored_weights(plan, built, network)
    elif precision != "int8":
        _require_precision(layers, precision)
    manifest = Manifest(
        aernet=__version__,
        model=next((name for name, path in bundled_models().items() if path == model), str(model.resolve())),
        metadata=network.metadata,
        onnx_sha256=sha256_of(model),
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        runtime=adapter.name,
        runtime_version=adapter.version,
        gpu=gpu.name if gpu else None,
        multiprocessors=gpu.multiprocessors if gpu else None,
        board=gpu.board if gpu else None,
        compute_capabilities=(gpu.compute_capability,) if gpu else adapter.compute_capabilities(options),
        precision=precision,
        convolutions=dict(built.layer_types),
        batch=options.batch,
        workspace_mib=options.workspace_mib,
        optimization_level=options.optimization_level,
        target=target,
        conversion=conversion,
        verification=None,
        layers=layers,
    )
    engine = default_engine_path(network.card.name, adapter.name, adapter.version, gpu)
    engine = folder / engine.name if folder else engine
    write_engine(engine, plan, manifest)
    return engine, manifest


def _require_precision(layers: Sequence[Layer], precision: str) -> None:
    """See that most layers put out what was asked for, as far as TensorRT tells types at all."""
    told = [datatype for layer in layers for datatype in layer.outputs]
    half = told.count("float16")
    if told and (2 * half > len(told)) != (precision == "fp16"):
        raise EngineError(
            f"asked for {precision}, but {half} of the {len(told)} tensors in the engine are float16;"
            " nothing was written; report this model"
        )
