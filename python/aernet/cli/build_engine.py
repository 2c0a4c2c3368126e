"""`aernet-trt build-engine`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aernet.cli.bars import bars
from aernet.engine.callbacks import Monitor
from aernet.models import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress, TaskID

    from aernet._native import Device
    from aernet.engine.compatibility import Machine


def build_engine(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Bundled model, ONNX file, or checkpoint of a training run."),
    ] = DEFAULT,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder to write to; by default the user's cache, where every command finds the engine.",
        ),
    ] = None,
    runtime: Annotated[
        Literal["auto", "tensorrt", "tensorrt-rtx"],
        typer.Option(help="TensorRT flavour; auto takes TensorRT where there is a GPU and it is installed."),
    ] = "auto",
    precision: Annotated[
        Literal["fp16", "fp32", "int8"] | None,
        typer.Option(
            help="Type of the layers; by default fp16. Input and output are fp32. int8 wants a model of"
            " `quantise`."
        ),
    ] = None,
    batch: Annotated[
        tuple[int, int, int] | None,
        typer.Option(
            metavar="MIN OPT MAX", help="Fewest, usual and most pictures in one run; by default 1 1 8."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Recipe of a device, bundled (such as jetson-thor) or a TOML file; options beside it win.",
        ),
    ] = None,
    compute_capability: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X.Y",
            help="GPU to build for with TensorRT-RTX, such as 8.6; may be given several times; by default"
            " all but 7.5.",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE", help="GPU that builds and compares: cuda, cuda:1, ...; by default the first."
        ),
    ] = None,
    workspace: Annotated[
        int | None, typer.Option(min=1, metavar="MIB", help="Scratch memory that a layer may use, in MiB.")
    ] = None,
    timing_cache: Annotated[
        Path | None,
        typer.Option(help="TensorRT's file of measured kernels; by default one in the user's cache."),
    ] = None,
    optimization_level: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=5,
            help="From 0, which builds quickly, to 5, which runs quickly; by default the runtime's.",
        ),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            help="Picture, or folder of pictures, to compare with the model on; by default the bundled."
        ),
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Print the engine's layers: their types, and what is fused.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the manifest, which has the layers, as JSON to stdout.")
    ] = False,
) -> None:
    """Build a TensorRT engine, with a manifest beside it, and see that it gives what the model gives."""
    import time
    from contextlib import nullcontext

    from aernet.cli.layers import print_layers
    from aernet.engine.adapter import BuilderOptions, open_runtime
    from aernet.engine.build import build_engine as build
    from aernet.engine.compatibility import Machine
    from aernet.engine.folders import timing_cache_path
    from aernet.engine.manifest import NOT_VERIFIED, load_manifest
    from aernet.engine.targets import load_target
    from aernet.inputs import find_pictures
    from aernet.pictures import example_pictures

    gpu = _device(device)
    with gpu or nullcontext():
        machine = Machine.here()
        recipe = load_target(target) if target else None
        if recipe:
            if runtime not in {"auto", recipe.runtime}:
                raise typer.BadParameter(
                    f"--target {target} builds with {recipe.runtime}; leave out --runtime"
                )
            recipe.require_machine(machine)
        adapter = open_runtime(recipe.runtime if recipe else _runtime(runtime, machine))
        if adapter.name == "tensorrt" and machine.gpu and timing_cache is None:
            timing_cache = timing_cache_path(adapter.name, adapter.version, machine.gpu)
        given: dict[str, Any] = {
            "batch": batch,
            "workspace_mib": workspace,
            "optimization_level": optimization_level,
            "compute_capabilities": tuple(compute_capability or ()) or None,
            "timing_cache": timing_cache,
        }
        said = {name: value for name, value in given.items() if value is not None}
        options = BuilderOptions(**(recipe.options() if recipe else {}) | said)
        least, usual, most = options.batch
        if not 1 <= least <= usual <= most:
            raise typer.BadParameter(f"--batch expected 1 <= MIN <= OPT <= MAX, found {least} {usual} {most}")
        pictures = find_pictures([verify]) if verify else example_pictures()
        layer_type = precision or (recipe.precision if recipe else "fp16")
        name = recipe.name if recipe else None
        start = time.perf_counter()
        source = _onnx(model, output)
        with bars() as progress:
            monitor = _Bars(progress)
            engine, manifest = build(
                source,
                output,
                adapter,
                layer_type,
                options,
                pictures,
                target=name,
                monitor=monitor,
                device=gpu,
            )
    seconds = time.perf_counter() - start
    types = ", ".join(f"{count} in {name}" for name, count in sorted(manifest.convolutions.items()))
    proof = f"; {manifest.conversion}" if manifest.conversion else ""
    typer.echo(f"{engine}: {engine.stat().st_size / 1e6:.1f} MB, {adapter}, {seconds:.1f} s", err=True)
    typer.echo(f"{manifest.precision}: convolutions {types}{proof}", err=True)
    index = gpu.index if gpu else 0
    typer.echo(_verified(engine, source, pictures, index) if machine.gpu else NOT_VERIFIED, err=True)
    if json:
        typer.echo(load_manifest(engine).to_json())
    elif layers:
        print_layers(manifest.layers or ())


class _Bars(Monitor):
    """The phases of a build as bars, which nest."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def started(self, phase: str, parent: str | None, steps: int) -> None:
        indent = "  " if parent else ""
        self._tasks[phase] = self._progress.add_task(f"{indent}{phase}", total=steps)

    def stepped(self, phase: str, step: int) -> None:
        self._progress.update(self._tasks[phase], completed=step + 1)

    def finished(self, phase: str) -> None:
        self._progress.remove_task(self._tasks.pop(phase))


def _device(asked: str | None) -> Device | None:
    """Return the GPU that was asked for, or None."""
    from aernet import _native
    from aernet.engine.gpu import find_gpu, gpu_index
    from aernet.errors import AernetError

    if asked is None:
        return None
    index = gpu_index(asked)
    if index is None:
        raise typer.BadParameter(f"--device expected cuda, cuda:1, ..., found {asked!r}")
    if _native.cuda_version is None:
        raise AernetError(
            "--device: this aernet was built without CUDA; 'aernet-trt doctor' tells the remedy"
        )
    if find_gpu(index) is None:
        raise AernetError(
            f"--device {asked}: no such GPU, or no driver for it; 'aernet-trt doctor' lists the GPUs"
        )
    return _native.Device(index)


def _runtime(asked: str, machine: Machine) -> str:
    """Return the flavour to build with: what was asked for, else what is installed and can build here."""
    from aernet import remedies
    from aernet.engine.rtx_support import unsupported_because
    from aernet.errors import EngineError

    if asked != "auto":
        return asked
    if machine.gpu and "tensorrt" not in machine.runtimes and (reason := unsupported_because(machine.gpu)):
        raise EngineError(
            f"{reason}; {remedies.tensorrt('tensorrt')}, or build for another GPU with --runtime tensorrt-rtx"
        )
    wanted = ("tensorrt", "tensorrt-rtx") if machine.gpu else ("tensorrt-rtx", "tensorrt")
    # Where none is installed, TensorRT-RTX says how it is.
    return next((name for name in wanted if name in machine.runtimes), "tensorrt-rtx")


def _onnx(model: str, output: Path | None) -> Path:
    """Return the ONNX file to build from; a checkpoint is exported beside the engine first."""
    from zipfile import is_zipfile

    from aernet.engine.folders import default_onnx_path
    from aernet.models import resolve_model
    from aernet.pictures import example_pictures

    path = resolve_model(model)
    if not is_zipfile(path):  # as checkpoints are
        return path
    from aernet.export import export
    from aernet.training.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(path)
    onnx = default_onnx_path(checkpoint.settings.name)
    onnx = output / onnx.name if output else onnx
    difference = export(checkpoint, example_pictures(), None, onnx)
    typer.echo(f"{onnx}: exported from {path}, max |dp| {difference:.1e}", err=True)
    return onnx


def _verified(engine: Path, model: Path, pictures: Sequence[Path], index: int) -> str:
    """Compare the engine with its model if this machine can run it; it may have been built for another."""
    from aernet.errors import AernetError
    from aernet.runners.choice import open_runner
    from aernet.runners.comparison import compare_with_model
    from aernet.runners.tensorrt import TensorRtRunner

    try:
        runner = TensorRtRunner(engine, index, model=model)
    except AernetError as reason:
        return f"not verified: {reason}"
    return f"verified: {compare_with_model(runner, open_runner(model, 'cpu'), pictures)}"
