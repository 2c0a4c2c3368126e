"""`aernet-trt quantise`."""

from __future__ import annotations

from typing import Annotated

import typer

from aernet.cli.options import Licence, MaskSuffix, RunFolder, Split, TrainingData
from aernet.pairs import MASK_ENDING

_LEARNING_RATE = 1e-4  # a tenth of a training's: the network is to stay what it is


def quantise(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Bundled model or ONNX file of `export`: in float32 and without SiLU, such as aernet-lite.",
        ),
    ],
    data: TrainingData,
    output: RunFolder,
    split: Split = None,
    mask_suffix: MaskSuffix = MASK_ENDING,
    licence: Licence = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            help="ONNX file or bundled model to learn from beside the masks, by default MODEL itself;"
            " may be given several times."
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue after the last checkpoint in --output.")
    ] = False,
) -> None:
    """Train a float32 model on with weights and activations of eight bits; `export` then writes it."""
    from aernet.engine.onnx_model import read_model
    from aernet.errors import ModelError
    from aernet.models import resolve_model
    from aernet.training.start_network import settings_of_run
    from aernet.training.static_quantisation import require_quantisable
    from aernet.training.train import train as run

    start = resolve_model(model)
    float32 = read_model(start)
    if float32.card.network is None:
        raise ModelError(
            f"{start}: does not say how its network is built (aernet.network); export its checkpoint again"
            " with this aernet-trt"
        )
    settings = settings_of_run(
        None,
        start,
        name=f"{float32.card.name}-int8",
        epochs=epochs,
        seed=seed,
        learning_rate=_LEARNING_RATE,
    )
    require_quantisable(float32)
    learned = teacher or ([] if resume else [model])
    run(
        settings,
        data,
        output,
        table=split,
        mask_ending=mask_suffix,
        licence=licence,
        start=None if resume else start,
        teachers=[resolve_model(each) for each in learned],
        resume=resume,
        quantised=True,
    )
