"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from aernet.borders import BorderName

Model = Annotated[
    str, typer.Option(metavar="MODEL", help="Bundled model (`aernet-trt models`), ONNX file or engine.")
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE", help="auto (a GPU if there is one), cpu, cuda (the first GPU), cuda:1 (the second)."
    ),
]
MaskSuffix = Annotated[
    str, typer.Option(help="What the name of a mask has behind its picture's: <picture>_segmentation.png.")
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="PROBABILITY",
        help="Least probability of a lesion pixel, between 0 and 1; by default the model's.",
    ),
]
Border = Annotated[
    BorderName | None,
    typer.Option(help="How wide to draw, instead of --threshold; by default isic, the model's own."),
]
MmPerPixel = Annotated[
    float | None,
    typer.Option(
        metavar="MM",
        help="Millimetres from a pixel to the next. Without it sizes are in pixels; nothing is guessed.",
    ),
]
