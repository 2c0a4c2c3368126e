"""The choice of a runner: where a model runs on this machine, and why there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aernet import remedies
from aernet.errors import AernetError, EngineError, ModelError
from aernet.forks import keep_in_forks
from aernet.models import bundled_models, resolve_model
from aernet.pictures import example_pictures
from aernet.runners.providers import OTHERS, cuda
from aernet.runners.warn_once import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aernet.runners.base import Runner


@dataclass(frozen=True)
class Choice:
    """A runner, and how it came to be chosen."""

    runner: Runner
    why: str
    refusals: tuple[str, ...] = ()
    """Why each better runner was passed over, and the remedy."""


def open_runner(model: Path, device: str) -> Runner:
    """Load a model as `choose_runner` does; log once, as a warning, why a better runner was passed over.

    Raises:
        AernetError: there is no such device, or the model cannot run there.
        ModelError: the file is not an AER-Net model.
    """
    choice = choose_runner(model, device)
    for refusal in choice.refusals:
        warn_once(f"{refusal}; {choice.runner.runtime} on {choice.runner.device} runs it instead")
    keep_in_forks(choice.runner)
    return choice.runner


def choose_runner(model: Path, device: str) -> Choice:
    """Load a model on a device, or on the best that there is.

    The best is TensorRT, then ONNX Runtime on the GPU, then ONNX Runtime on the CPU.

    Args:
        model: an ONNX file, whose engine lies where `build-engine` puts it; or an engine.
        device: "cpu", "cuda" (the first GPU), "cuda:1" (the second), one of `OTHERS`, or "auto".

    Raises:
        AernetError: there is no such device, or the model cannot run there.
        ModelError: the file is not an AER-Net model.
    """
    from aernet.engine.gpu import find_gpu  # noqa: PLC0415 - importing aernet does without

    asked = _asked_gpu(device)
    index = asked or 0
    if model.suffix == ".engine":
        if device != "auto" and asked is None:
            raise AernetError(
                f"{model}: an engine needs an NVIDIA GPU, device {device!r} was asked for; name the model or"
                " its ONNX file"
            )
        return Choice(_open_named_engine(model, index), "an engine was named")

    # Loading ONNX Runtime takes longer than importing all the rest.
    from aernet.runners.onnxruntime import OnnxRuntimeRunner  # noqa: PLC0415

    if device in OTHERS:
        from aernet.runners.first_load import open_compared  # noqa: PLC0415

        return Choice(open_compared(model, OTHERS[device]), f"{device} was asked for")
    on_cpu = OnnxRuntimeRunner(model)
    if device == "cpu":
        return Choice(on_cpu, "the CPU was asked for")
    if find_gpu() is None:
        if asked is not None:
            raise AernetError(f"device {device!r}: no NVIDIA GPU, or no driver for it; use 'cpu'")
        return Choice(on_cpu, "there is no NVIDIA GPU, or no driver for it")
    choice = _choose_on_gpu(model, on_cpu, index)
    if asked is not None and choice.runner is on_cpu:
        raise AernetError(f"device {device!r}: {'; '.join(choice.refusals)}")
    return choice


def _choose_on_gpu(model: Path, on_cpu: Runner, index: int) -> Choice:
    """Choose on a machine with a GPU; it is `on_cpu` where nothing else runs the model."""
    from aernet.runners.onnxruntime import OnnxRuntimeRunner  # noqa: PLC0415

    with_engine = "the GPU, with an engine that passed its checks"
    ways: list[tuple[str, Callable[[], Runner]]] = []
    refusals: list[str] = []
    try:
        engines = find_built_engines(model, on_cpu.card.name, index)
        ways += [(with_engine, partial(_open_engine, engine, model, on_cpu, index)) for engine in engines]
    except EngineError as error:
        refusals.append(str(error))
    ways.append(("the GPU, without an engine", partial(OnnxRuntimeRunner, model, cuda(index))))
    for why, way in ways:
        try:
            return Choice(way(), why, tuple(refusals))
        except AernetError as error:  # noqa: PERF203 - there are few ways
            refusals.append(str(error))
    return Choice(on_cpu, "nothing that is installed runs it on the GPU", tuple(refusals))


def _asked_gpu(device: object) -> int | None:
    """Return the number of the NVIDIA GPU that was asked for; None for any other device."""
    from aernet.engine.gpu import gpu_index  # noqa: PLC0415

    if not isinstance(device, str):
        remedy = f"; write 'cuda:{device}' for that GPU" if isinstance(device, int) else ""
        raise AernetError(
            f"device: expected a name, such as 'auto', 'cpu' or 'cuda', found {device!r}{remedy}"
        )
    index = gpu_index(device)
    if index is None and device not in ("auto", "cpu", *OTHERS):
        names = ", ".join(("auto", "cpu", "cuda", "cuda:1", *OTHERS))
        raise AernetError(f"device {device!r}: not available; expected one of {names}")
    return index


def find_built_engines(model: Path, card_name: str, index: int) -> list[Path]:
    """Return the engines that `build-engine` made of a model for what is installed here, the best first.

    Args:
        model: the ONNX file.
        card_name: the name on its card.
        index: the number of the GPU.

    Raises:
        EngineError: there is none, or no such GPU.
    """
    from aernet.engine.adapter import installed_runtimes  # noqa: PLC0415
    from aernet.engine.folders import default_engine_path  # noqa: PLC0415
    from aernet.engine.gpu import find_gpu  # noqa: PLC0415
    from aernet.engine.rtx_support import unsupported_because  # noqa: PLC0415

    name = next((name for name, path in bundled_models().items() if path == model), model)
    gpu, runtimes = find_gpu(index), installed_runtimes()
    if gpu is None:
        raise EngineError(
            f"cuda:{index}: no such GPU, or no driver for it; 'aernet-trt doctor' lists the GPUs"
        )
    if "tensorrt" not in runtimes and (reason := unsupported_because(gpu)):
        raise EngineError(f"{name}: {reason}; {remedies.tensorrt('tensorrt')}")
    engines = [
        default_engine_path(card_name, runtime, version, gpu)
        for runtime, version in sorted(runtimes.items())  # TensorRT first, which is made for this GPU
    ]
    if found := [path for path in engines if path.is_file()]:
        return found
    command = f"aernet-trt build-engine {name}" + (f" --device cuda:{index}" if index else "")
    raise EngineError(f"{name}: has no engine yet; '{command}' builds it")


def _open_engine(engine: Path, model: Path, reference: Runner, index: int) -> Runner:
    """Open an engine of a model; one that has never run on a GPU is compared with the model first."""
    from aernet.runners.comparison import compare_with_model  # noqa: PLC0415
    from aernet.runners.tensorrt import TensorRtRunner  # noqa: PLC0415

    runner = TensorRtRunner(engine, index, model=model)
    if runner.manifest.verification is None:
        compare_with_model(runner, reference, example_pictures())
    return runner


def _open_named_engine(engine: Path, index: int) -> Runner:
    """Open an engine that was named; its model need not be there."""
    from aernet.files import sha256_of  # noqa: PLC0415
    from aernet.runners.comparison import compare_with_model  # noqa: PLC0415
    from aernet.runners.onnxruntime import OnnxRuntimeRunner  # noqa: PLC0415
    from aernet.runners.tensorrt import TensorRtRunner  # noqa: PLC0415

    runner = TensorRtRunner(engine, index)
    if runner.manifest.verification is None:
        try:
            model = resolve_model(runner.manifest.model)
        except ModelError:
            model = None
        if model and sha256_of(model) == runner.manifest.onnx_sha256:
            compare_with_model(runner, OnnxRuntimeRunner(model), example_pictures())
        else:
            warn_once(
                f"{engine}: never compared with its model, which is not here;"
                f" 'aernet-trt verify {engine} --against MODEL' does it"
            )
    return runner
