"""`aernet-trt verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aernet.engine.verification import Verification
    from aernet.runners.tensorrt import TensorRtRunner


def verify(
    engine: Annotated[Path, typer.Argument(help="Engine, with its manifest beside it.")],
    against: Annotated[
        str | None, typer.Option(help="Bundled model or ONNX file; else the one that it was built from.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Picture, or folder of pictures; else the bundled ones.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON to stdout.")] = False,
) -> None:
    """Compare an engine on the GPU with its FP32 model on the CPU, and note the result in its manifest."""
    from dataclasses import asdict
    from json import dumps

    from rich.console import Console

    from aernet.engine.manifest import load_manifest
    from aernet.models import resolve_model
    from aernet.pictures import example_pictures, find_pictures
    from aernet.runners.tensorrt import TensorRtRunner

    model = resolve_model(against or load_manifest(engine).model)
    pictures = find_pictures([images]) if images else example_pictures()
    verification = verify_on_gpu(TensorRtRunner(engine, model=model), model, pictures)
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"{engine}: {verification}")
    if json:
        typer.echo(dumps(asdict(verification), indent=2))


def verify_on_gpu(runner: TensorRtRunner, model: Path, pictures: Sequence[Path]) -> Verification:
    """Compare an engine with the model that it was built from, and note the result in its manifest.

    Raises:
        EngineError: it does not give what the model gives.
    """
    from aernet.engine.manifest import record_verification
    from aernet.evaluation.agreement import compare_runners
    from aernet.runners import open_runner

    verification = compare_runners(open_runner(model, "cpu"), runner, pictures)
    record_verification(runner.engine, verification)
    verification.require(str(runner.engine), "build it with --precision fp32")
    return verification
