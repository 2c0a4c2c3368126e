"""The rows of the paper's tables as presets and what each changes in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    name: str
    """Name on the command line and of folders."""
    title: str
    """Name in a report."""
    words: str
    """What it does, in words."""
    changes: dict[str, Any]
    """What it changes in a preset."""


@dataclass(frozen=True)
class Row:
    """A row of a table: a preset, what it changes there, and what the paper reports."""

    title: str
    """Name on the command line and in a report; one in its table."""
    preset: str = "aernet-b1"
    """Preset with the paper's recipe."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What the row changes in it."""
    jaccard: float | None = None
    """The paper's, in percent; None where it gives none."""
    dice: float | None = None
    """The paper's, in percent; None where it gives none."""
    otsu: bool = False
    """Whether each mask is cut at Otsu's threshold instead of the one chosen on validation pictures."""


@dataclass(frozen=True)
class Table:
    """A table of the paper."""

    name: str
    """Name on the command line and of the figure."""
    title: str
    """Title in a report."""
    note: str
    """What a reader must know of it."""
    reference: str
    """Title of the row that every other one is compared with."""
    rows: tuple[Row, ...]
    """In the order of the report: each row is compared with the one above."""


RECIPES = (
    Recipe(
        "paper",
        "the paper's recipe",
        "Adam at a constant 1e-3, batches of 16, the Dice loss of equation 1, no augmentation",
        {},
    ),
    Recipe(
        "good",
        "the good recipe",
        "AdamW, one cycle with a peak of 1e-3, batches of 16, Dice loss and half the binary cross-entropy, "
        "augmentation",
        {"augmentation": True, "loss": "dice+bce", "optimizer": "adamw", "schedule": "one-cycle"},
    ),
)


def _encoder(title: str, name: str, jaccard: float | None = None) -> Row:
    return Row(title, changes={"encoder": name}, jaccard=jaccard)


TABLE_1 = Table(
    "table1",
    "Table 1: encoders",
    "AER-Net with other encoders: the five of which the paper gives the Jaccard index, the rest of "
    "EfficientNet-B0 to B4, one network of each other family that section 4.3 names, and that of the model "
    "that ships. The paper does not say why EfficientNet-B1 has 76.1 here and 77.2 in Table 2; here both are "
    "one and the same run.",
    "EfficientNet-B1",
    (
        Row("EfficientNet-B1", jaccard=76.1),
        _encoder("SE-ResNeXt101", "legacy_seresnext101_32x4d", 75.7),
        _encoder("EfficientNet-B3", "efficientnet_b3", 75.65),
        _encoder("SE-ResNet152", "legacy_seresnet152", 75.6),
        _encoder("EfficientNet-B0", "efficientnet_b0", 75.4),
        _encoder("EfficientNet-B2", "efficientnet_b2"),
        _encoder("EfficientNet-B4", "efficientnet_b4"),
        _encoder("ResNet50", "resnet50"),
        _encoder("ResNeXt50", "resnext50_32x4d"),
        _encoder("SENet154", "legacy_senet154"),
        _encoder("VGG16", "vgg16"),
        _encoder("DenseNet121", "densenet121"),
        _encoder("Inception-v4", "inception_v4"),
        _encoder("MobileNetV2", "mobilenetv2_100"),
        _encoder("EfficientNetV2-B0", "tf_efficientnetv2_b0"),
    ),
)

TABLE_2 = Table(
    "table2",
    "Table 2: from U-Net to AER-Net",
    "Each row adds a part to the one above. The first takes the U-Net of the second and cuts its answer at "
    "Otsu's threshold (section 2; the paper quotes 68.0 and 77.2 of Souza et al. 2020, who trained their "
    "own).",
    "AER-Net",
    (
        Row("U-Net, Otsu's threshold", "unet", jaccard=68.0, dice=77.2, otsu=True),
        Row("U-Net", "unet", jaccard=55.5, dice=67.4),
        Row("Attention U-Net", "attention-unet", jaccard=70.0, dice=79.6),
        Row("Attention residual U-Net", "attention-residual-unet", jaccard=70.6, dice=79.9),
        Row("AER-Net", jaccard=77.2, dice=85.25),
    ),
)

COLOUR = Table(
    "colour",
    "Section 3.1: colour spaces",
    "AER-Net on other colour spaces. The paper says that CIELAB did best, without figures for the others.",
    "CIELAB",
    (
        Row("CIELAB", jaccard=77.2, dice=85.25),
        Row("RGB", changes={"colour": "rgb"}),
        Row("HSV", changes={"colour": "hsv"}),
        Row("HSV+RGB", changes={"colour": "hsv+rgb"}),
        Row("Gray", changes={"colour": "gray"}),
    ),
)

TABLES = (TABLE_1, TABLE_2, COLOUR)
