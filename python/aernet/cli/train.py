"""`aernet-trt train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[
        Path, typer.Option(help="Folder with the ISIC 2018 pairs (folders or zips) and isic2018_split.csv.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")],
    preset: Annotated[str, typer.Option(help="Bundled preset, or a TOML file.")] = "aernet-v2b0",
    encoder_weights: Annotated[
        Path | None, typer.Option(help="ImageNet weights as a timm state dict; else timm downloads them.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="Checkpoint, or model of `aernet-trt export`, to start from instead of ImageNet."),
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(help="Model to learn from beside the experts' masks; may be given several times."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data, instead of the preset's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed, instead of the preset's.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue after the last checkpoint in --output.")
    ] = False,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the network first: takes minutes, and epochs become faster."),
    ] = False,
) -> None:
    """Train a network on the ISIC 2018 pairs; with torchrun, on several processes."""
    from aernet.training.settings import load_settings
    from aernet.training.train import train as run

    given = {"epochs": epochs, "seed": seed}
    run(
        load_settings(preset, **{name: value for name, value in given.items() if value is not None}),
        data,
        output,
        encoder_weights=encoder_weights,
        start=start,
        teachers=teacher or [],
        resume=resume,
        compiled=compiled,
    )
