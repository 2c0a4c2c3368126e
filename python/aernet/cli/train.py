"""`aernet-trt train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from aernet.cli.options import Licence, MaskSuffix, RunFolder, Split, TrainingData
from aernet.pairs import MASK_ENDING


def train(
    data: TrainingData,
    output: RunFolder,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Bundled preset, or a TOML file; else aernet-v2b0, with --start in that model's network, or"
            " with --resume the run's own."
        ),
    ] = None,
    split: Split = None,
    mask_suffix: MaskSuffix = MASK_ENDING,
    licence: Licence = None,
    encoder_weights: Annotated[
        Path | None, typer.Option(help="ImageNet weights as a timm state dict; else timm downloads them.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Checkpoint (.pt), ONNX file of `export` or bundled model to start from, not from ImageNet."
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            help="ONNX file or bundled model to learn from beside the masks; may be given several times."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data, instead of the preset's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed, instead of the preset's.")] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue after the last checkpoint in --output, with what it began with."
        ),
    ] = False,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the network first: takes minutes, and epochs become faster."),
    ] = False,
) -> None:
    """Train a network on pictures with masks; with torchrun, on several processes."""
    from dataclasses import replace

    from aernet.models import resolve_model
    from aernet.training.checkpoint import load_checkpoint
    from aernet.training.start_network import settings_of_run
    from aernet.training.train import train as run

    given = {"epochs": epochs, "seed": seed}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    model = None
    if start is not None:
        model = Path(start) if start.endswith(".pt") else resolve_model(start)
    if resume and preset is None:
        settings = replace(load_checkpoint(output / "last.pt").settings, **changes)
    else:
        settings = settings_of_run(preset, model, **changes)
    run(
        settings,
        data,
        output,
        table=split,
        mask_ending=mask_suffix,
        licence=licence,
        encoder_weights=encoder_weights,
        start=model,
        teachers=[resolve_model(each) for each in teacher or []],
        resume=resume,
        compiled=compiled,
    )
