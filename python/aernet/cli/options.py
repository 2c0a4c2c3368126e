"""Options that several commands share."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from aernet.borders import BorderName

Model = Annotated[
    str, typer.Option(metavar="MODEL", help="Bundled model (`aernet-trt models`), ONNX file or engine.")
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="auto (a GPU if there is one), cpu, cuda (the first GPU), cuda:1 (the second), openvino,"
        " openvino:gpu, coreml, directml.",
    ),
]
MaskSuffix = Annotated[
    str, typer.Option(help="What the name of a mask has behind its picture's: <picture>_segmentation.png.")
]
TrainingData = Annotated[
    Path,
    typer.Option(help="Folder or zip file of pictures with masks, such as that of the ISIC 2018 pairs."),
]
RunFolder = Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")]
Split = Annotated[
    Path | None,
    typer.Option(
        help="CSV file with the columns image_id and subset, instead of the isic2018_split.csv or"
        " split.csv of --data."
    ),
]
Licence = Annotated[
    str | None,
    typer.Option(help="Licence of what is trained, which depends on that of its pictures, for its card."),
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


class Format(Enum):
    """The formats of other programs; `aernet.archive.kinds` has them too, but takes a while to import."""

    GEOJSON = "geojson"
    COCO = "coco"
    COCO_POLYGONS = "coco-polygons"
    LABELME = "labelme"
    ISIC = "isic"
    PROBABILITY_PNG = "probability-png"
    PROBABILITY_TIFF = "probability-tiff"
    CUTOUT = "cutout"
    DICOM_SEG = "dicom-seg"
    DICOM_LABELMAP = "dicom-labelmap"
    DICOM_SR = "dicom-sr"


Formats = Annotated[
    list[Format] | None,
    typer.Option(
        "--format",
        help="Also write of pictures what other programs read; may be given several times: <stem>.geojson for"
        " QuPath; annotations.json of all pictures (COCO, as CVAT takes it) or annotations_polygons.json (as"
        " Label Studio does); <stem>.json for LabelMe; <stem>_segmentation.png as in ISIC;"
        " <stem>_probability.png or .tif, of 16 bits; <stem>_cutout.png, the lesion alone;"
        " <stem>_seg.dcm, _labelmap.dcm or _sr.dcm, of DICOM photographs.",
        show_default=False,
    ),
]


def refuse_beside(context: typer.Context, names: tuple[str, ...], reason: str) -> None:
    """Raise an error that names those of some options that are given, with the reason why they may not be.

    Args:
        context: the command's.
        names: the names of its parameters.
        reason: what follows the options in the message.
    """
    given = [
        f"--{name.replace('_', '-')}"
        for name in names
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    ]
    if given:
        raise typer.BadParameter(f"{' and '.join(given)}: {reason}")
