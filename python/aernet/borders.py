"""Borders by name: how wide a mask is drawn, which is a convention among experts."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

BorderName: TypeAlias = Literal["isic", "tight", "wide"]
"""The names: "isic" is the calibrated border, the model's own threshold."""

BORDERS: tuple[BorderName, ...] = get_args(BorderName)


class Border(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One border of a model."""

    level: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    """The least probability of a lesion pixel."""
    area: Annotated[float, msgspec.Meta(gt=0)]
    """The mean area of its masks, divided by that of the masks at the model's own threshold."""


class Borders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The borders of a model beside the calibrated one; `aernet-trt calibrate` finds them.

    Raises:
        ValueError: the tight border has a lower level than the wide one.
    """

    tight: Border
    wide: Border

    def __post_init__(self) -> None:
        if self.tight.level < self.wide.level:
            raise ValueError("the tight border must have the higher level")
